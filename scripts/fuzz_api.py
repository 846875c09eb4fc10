"""Asks a server for all that its OpenAPI document tells, in all ways that it tells and does not tell, by Schemathesis.

    target/api/bin/python scripts/fuzz_api.py target/release/ringback

Anonymous, as user and as admin, on SQLite and on PostgreSQL. Nothing may be answered that the document does not tell: no other status,
no other type, no body off its schema; and never 500, told or not. FUZZ_EXAMPLES (requests of each kind for each route, default 10),
FUZZ_SEED (1), FUZZ_DATABASES (sqlite,postgresql) and FUZZ_ARGUMENTS (more for `schemathesis run`) make a longer or narrower run.
The exit status is 1 when something was found, 0 also where Schemathesis is not installed.
"""

import importlib.util
import os
import pathlib
import subprocess
import sys
import time

import scratch_server

CHECKS = [
    "status_code_conformance", "content_type_conformance", "response_headers_conformance", "response_schema_conformance",
    "negative_data_rejection", "unsupported_method", "ignored_auth", "never_500",
]
# They end the sign-in that all others need; a round of their own asks for them.
ENDS_SIGN_IN = ["/auth/logout", "/users/me/password"]
# Pages that say nothing new each time.
NEVER = ["/docs/{file}"]
# Server-sent events. The document's schema is one of the whole answer, which is all that OpenAPI 3.1 knows; Schemathesis takes it for one of
# each event. So a round of its own asks for them without that check, of a call that has just ended: then the stream ends by itself.
STREAM = "/calls/{id}/events"


def rounds(served):
    """What is asked as whom."""
    admin, user = served.sign_in(scratch_server.ADMIN), served.sign_in(scratch_server.USER)
    # Without TWILIO_AUTH_TOKEN local callers need no signature, which the document tells in words only.
    unsigned = ["--exclude-tag", "Telephony webhooks", "--exclude-tag", "Media sockets"]
    most = [part for path in [*ENDS_SIGN_IN, *NEVER, STREAM] for part in ("--exclude-path", path)]
    last = [part for path in ENDS_SIGN_IN for part in ("--include-path", path)]
    bearer = lambda token: ["-H", f"Authorization: Bearer {token}"]
    checks = lambda *without: ["--checks", ",".join(check for check in CHECKS if check not in without)]
    signed = ["--include-tag", "Telephony webhooks", "--include-tag", "Media sockets"]
    yield "anonymous", [*most, *unsigned, *checks("ignored_auth", "negative_data_rejection")]
    yield "carrier", [*signed, *checks("ignored_auth", "negative_data_rejection")]
    yield "user", [*most, *unsigned, *bearer(user), *checks()]
    yield "admin", [*most, *unsigned, *bearer(admin), *checks()]
    os.environ["FUZZ_CALL"] = served.telephone()
    yield "a stream of events", ["--include-path", STREAM, *bearer(admin), *checks("response_schema_conformance")]
    yield "a sign-in that ends", [*last, *bearer(user), *checks("negative_data_rejection", "ignored_auth")]


def fuzz(served, who, arguments):
    hooks = pathlib.Path(__file__).with_name("fuzz_hooks.py")
    command = [
        sys.executable, "-m", "schemathesis.cli", "--config-file", str(hooks.with_name("schemathesis.toml")), "run", f"{served.url}/openapi.json",
        "--phases", "examples,coverage,fuzzing", "--seed", os.environ.get("FUZZ_SEED", "1"),
        "--max-examples", os.environ.get("FUZZ_EXAMPLES", "10"), "--request-timeout", "20", "--no-shrink",
        "--continue-on-failure", "--suppress-health-check", "all", "--warnings", "off", *arguments,
        *os.environ.get("FUZZ_ARGUMENTS", "").split(),
    ]
    environment = os.environ | {"SCHEMATHESIS_HOOKS": hooks.stem, "PYTHONPATH": str(hooks.parent), "NO_COLOR": "1"}
    begun = time.monotonic()
    ran = subprocess.run(command, env=environment, cwd=hooks.parent.parent / "target", capture_output=True, text=True)
    print(f"{who}: {'nothing found' if ran.returncode == 0 else 'FOUND'}, {time.monotonic() - begun:.0f} s", flush=True)
    if ran.returncode != 0:
        print(ran.stdout[-30000:], ran.stderr[-3000:], sep="\n", flush=True)
    return ran.returncode == 0


def main():
    if importlib.util.find_spec("schemathesis") is None:
        print("Schemathesis is not installed: the API is not asked in all ways")
        return True
    well = True
    for database in os.environ.get("FUZZ_DATABASES", "sqlite,postgresql").split(","):
        with scratch_server.served(os.path.abspath(sys.argv[1]), database) as served:
            os.environ["FUZZ_CALL"] = served.telephone()
            for who, arguments in rounds(served):
                well = fuzz(served, f"{database}, {who}", arguments) and well
            complaints = [line for line in served.log.read_text(errors="replace").splitlines() if "panicked" in line]
            print(*complaints, sep="\n", end="")
            well = well and not complaints
    return well


if __name__ == "__main__":
    try:
        sys.exit(0 if main() else 1)
    except scratch_server.Failed as why:
        sys.exit(str(why))
