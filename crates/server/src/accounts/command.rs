//! `ringback user`: accounts from the command line, for who can read the configuration.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use ringback_store::{Error, Location, Role, Store, UserNew};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use serde_json::json;

use super::{email_problem, password_problem, passwords};
use crate::config::{ConfigError, Secret};
use crate::database::{
    DatabaseArgs, configuration, files_belong_to_their_folder, make_data_dir, now,
};

/// `ringback user ...`
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Make an account. The password is asked for, or read from a file or the standard input.
    #[command(
        after_help = "Example: ringback user add ada@example.org --admin --data-dir /var/lib/ringback\n\n\
        Settings are those of `ringback serve`, which may run meanwhile; those of a unit or a container are not known here. The answer names the \
        database. The first account of all is an admin's in any case.\n\
        Exit status: 0 made; 1 the database is not available, or has the address; 2 the address, the password or a setting is wrong."
    )]
    Add(AddArgs),
}

/// Whose account.
#[derive(Debug, Args)]
pub struct AddArgs {
    /// The e-mail address.
    #[arg(value_name = "EMAIL")]
    email: String,
    /// Make an admin, who may do everything.
    #[arg(long)]
    admin: bool,
    /// File whose first line is the password.
    #[arg(long, value_name = "FILE", env = "USER_PASSWORD_FILE")]
    password_file: Option<PathBuf>,
    /// Make the database, where the server has not run yet.
    #[arg(long)]
    create: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Carries a command out, within a runtime, and answers in one line what was done.
///
/// # Errors
/// A [`ConfigError`] for what is wrong with what was given, an [`Error`] of the database.
pub async fn run(command: &UserCommand) -> anyhow::Result<String> {
    let UserCommand::Add(args) = command;
    let email = args.email.trim();
    if let Some(problem) = email_problem(email) {
        return Err(ConfigError(problem.to_owned()).into());
    }
    let config = configuration(&args.database)?;
    let location = config.database()?;
    if !args.create {
        is_there(&location)?;
    }
    let password = password(args.password_file.as_deref())?;
    if let Some(problem) = password_problem(&password, email) {
        return Err(ConfigError(problem).into());
    }
    let location = match location {
        Location::File(file) => {
            make_data_dir(&config)?;
            Location::File(std::path::absolute(file)?)
        }
        Location::Postgres(_) => location,
    };
    let store = Store::open(location.clone())?;
    store.migrate(now()).await?;
    let new = UserNew {
        email: email.to_owned(),
        password_hash: passwords::hash(&password)
            .ok_or_else(|| anyhow::anyhow!("the password cannot be hashed"))?,
        role: if args.admin { Role::Admin } else { Role::User },
    };
    let made = match store.user_insert_first(&new, now()).await? {
        Some(user) => user,
        None => match store.user_insert(&new, now()).await {
            Err(Error::Conflict(_)) => anyhow::bail!("there is an account of {email} already"),
            made => made?,
        },
    };
    let entry = ringback_store::AuditEntry {
        action: "user.add".to_owned(),
        subject: made.id.clone(),
        detail: json!({ "by": "command line", "email": made.email, "role": made.role }).into(),
        ..ringback_store::AuditEntry::default()
    };
    store.audit_insert(&entry, now()).await?;
    store.close().await;
    files_belong_to_their_folder(&location)?;
    let role = made.role.as_str();
    Ok(format!("made the {role} {email} in {location}"))
}

/// An account in a database that no server uses would be made for nothing, and would look as if it had been made.
fn is_there(location: &Location) -> Result<(), ConfigError> {
    let Location::File(file) = location else {
        return Ok(());
    };
    if file.exists() {
        return Ok(());
    }
    let file = std::path::absolute(file).unwrap_or_else(|_| file.clone());
    Err(ConfigError(format!(
        "there is no database at {}: name the server's folder with --data-dir (or set its DATABASE_URL), or have it made with --create",
        file.display()
    )))
}

/// The password: never an argument, which everybody on the machine could read.
fn password(file: Option<&Path>) -> Result<Secret, ConfigError> {
    if let Some(file) = file {
        let text = std::fs::read_to_string(file);
        let text = text.map_err(|error| ConfigError(format!("{}: {error}", file.display())))?;
        return Ok(first_line(&text));
    }
    let input = std::io::stdin();
    if !input.is_terminal() {
        return line();
    }
    let first = asked("Password: ")?;
    let again = asked("The same again: ")?;
    if first.expose() != again.expose() {
        return Err(ConfigError("the two passwords are not the same".to_owned()));
    }
    Ok(first)
}

fn asked(prompt: &str) -> Result<Secret, ConfigError> {
    let refused = |error: &dyn std::fmt::Display| ConfigError(format!("the terminal: {error}"));
    let input = std::io::stdin();
    let usual = tcgetattr(&input).map_err(|error| refused(&error))?;
    let mut silent = usual.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    silent.local_modes.insert(LocalModes::ECHONL);
    eprint!("{prompt}");
    std::io::stderr().flush().map_err(|error| refused(&error))?;
    tcsetattr(&input, OptionalActions::Flush, &silent).map_err(|error| refused(&error))?;
    let typed = line();
    tcsetattr(&input, OptionalActions::Flush, &usual).map_err(|error| refused(&error))?;
    typed
}

fn line() -> Result<Secret, ConfigError> {
    let mut text = String::new();
    let read = std::io::stdin().lock().read_line(&mut text);
    read.map_err(|error| ConfigError(format!("the standard input: {error}")))?;
    Ok(first_line(&text))
}

fn first_line(text: &str) -> Secret {
    Secret::new(text.lines().next().unwrap_or_default())
}
