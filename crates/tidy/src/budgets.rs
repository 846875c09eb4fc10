//! How large things may grow: files, functions, constructors, structs, the events and actions of a call.

use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{
    Fields, FnArg, Ident, ImplItem, ItemEnum, ItemFn, ItemImpl, ItemStruct, ReturnType, Signature,
    Type,
};

use crate::{Breach, Source};

/// Lines of code in a file.
pub const FILE_LINES: usize = 400;
/// Lines of code in a function, from its signature to its last brace.
pub const FUNCTION_LINES: usize = 60;
/// Arguments of a constructor.
pub const CONSTRUCTOR_ARGUMENTS: usize = 6;
/// Fields of a struct.
pub const STRUCT_FIELDS: usize = 15;
/// Variants of `Event` and of `Action` in the crate `call`.
pub const CALL_VARIANTS: usize = 24;

/// Files of more than [`FILE_LINES`].
#[must_use]
pub fn file_lines(sources: &[Source]) -> Vec<Breach> {
    let measured = sources
        .iter()
        .map(|source| (source, source.code_lines(1..=usize::MAX)));
    let large = measured.filter(|(_, lines)| *lines > FILE_LINES);
    large
        .map(|(source, lines)| {
            let why = format!("{lines} lines of code, at most {FILE_LINES}: split it by subject");
            Breach::new("file-lines", source.path(), 0, why).measured(None, lines)
        })
        .collect()
}

/// Functions of more than [`FUNCTION_LINES`], constructors with more than [`CONSTRUCTOR_ARGUMENTS`], structs with more
/// than [`STRUCT_FIELDS`], and `Event` or `Action` with more than [`CALL_VARIANTS`], by the rule's name.
#[must_use]
pub fn items(rule: &'static str, sources: &[Source]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for source in sources.iter().filter(|source| !source.is_test()) {
        let mut visitor = Visitor {
            rule,
            source,
            owner: None,
            breaches: &mut breaches,
        };
        visitor.visit_file(source.file());
    }
    breaches
}

struct Visitor<'a> {
    rule: &'static str,
    source: &'a Source,
    owner: Option<String>,
    breaches: &'a mut Vec<Breach>,
}

impl Visitor<'_> {
    fn check(
        &mut self,
        rule: &'static str,
        name: &Ident,
        (count, most): (usize, usize),
        what: &str,
    ) {
        let line = name.span().start().line;
        if rule != self.rule || count <= most || self.source.is_test_line(line) {
            return;
        }
        let item = match &self.owner {
            Some(owner) => format!("{owner}::{name}"),
            None => name.to_string(),
        };
        let why = format!("{item} has {count} {what}, at most {most}");
        self.breaches
            .push(Breach::new(rule, self.source.path(), line, why).measured(Some(&item), count));
    }

    fn function(&mut self, signature: &Signature, end: usize) {
        let lines = self.source.code_lines(signature.span().start().line..=end);
        self.check(
            "function-lines",
            &signature.ident,
            (lines, FUNCTION_LINES),
            "lines of code",
        );
        if is_constructor(signature, self.owner.as_deref()) {
            let arguments = signature.inputs.len();
            self.check(
                "constructor-arguments",
                &signature.ident,
                (arguments, CONSTRUCTOR_ARGUMENTS),
                "arguments",
            );
        }
    }

    fn fields(&mut self, name: &Ident, fields: &Fields) {
        self.check(
            "struct-fields",
            name,
            (fields.len(), STRUCT_FIELDS),
            "fields",
        );
    }
}

impl<'ast> Visit<'ast> for Visitor<'_> {
    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.function(&function.sig, function.span().end().line);
        visit::visit_item_fn(self, function);
    }

    fn visit_item_impl(&mut self, block: &'ast ItemImpl) {
        let outer = self.owner.take();
        self.owner = type_name(&block.self_ty);
        for item in &block.items {
            if let ImplItem::Fn(function) = item {
                self.function(&function.sig, function.span().end().line);
            }
        }
        visit::visit_item_impl(self, block);
        self.owner = outer;
    }

    fn visit_item_struct(&mut self, structure: &'ast ItemStruct) {
        self.fields(&structure.ident, &structure.fields);
    }

    fn visit_item_enum(&mut self, choice: &'ast ItemEnum) {
        for variant in &choice.variants {
            self.fields(&variant.ident, &variant.fields);
        }
        if self.source.package() == Some("call")
            && (choice.ident == "Event" || choice.ident == "Action")
        {
            self.check(
                "call-variants",
                &choice.ident,
                (choice.variants.len(), CALL_VARIANTS),
                "variants",
            );
        }
    }
}

/// A function of a type without `self` that is named like a constructor or gives a `Self`.
fn is_constructor(signature: &Signature, owner: Option<&str>) -> bool {
    let Some(owner) = owner else { return false };
    let name = signature.ident.to_string();
    let named = name == "new"
        || ["new_", "with_", "create", "from_"]
            .iter()
            .any(|prefix| name.starts_with(prefix));
    no_receiver(&signature.inputs) && (named || gives(&signature.output, owner))
}

fn no_receiver<S>(inputs: &Punctuated<FnArg, S>) -> bool {
    !inputs
        .iter()
        .any(|input| matches!(input, FnArg::Receiver(_)))
}

fn gives(output: &ReturnType, owner: &str) -> bool {
    struct Finder<'a>(&'a str, bool);
    impl<'ast> Visit<'ast> for Finder<'_> {
        fn visit_ident(&mut self, name: &'ast Ident) {
            self.1 |= name == "Self" || name == self.0;
        }
    }
    let mut finder = Finder(owner, false);
    finder.visit_return_type(output);
    finder.1
}

fn type_name(of: &Type) -> Option<String> {
    match of {
        Type::Path(path) => path
            .path
            .segments
            .last()
            .map(|segment| segment.ident.to_string()),
        _ => None,
    }
}
