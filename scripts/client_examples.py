"""Runs the examples of docs/clients.md against a server, and looks at what they print.

    python3 scripts/client_examples.py target/release/ringback

The exit status is 1 when one fails or prints something else. An example whose program (curl, node) is not here is named and left out.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading

import scratch_server

DOCS = pathlib.Path(__file__).parent.parent / "docs" / "clients.md"
SLUG = "table-line"
EMAIL = scratch_server.USER["email"]
FOLLOWED = [f"{SLUG} version 1", "whisper: The caller is a regular guest.", "agent: With pleasure.", "the call ended: ", "Scenario deleted"]
# Language of the block: what runs it, the program it needs, what it must print.
ROUND = {
    "sh": (["sh"], "curl", [f'"email":"{EMAIL}"', "x-total-count: ", f'"slug":"{SLUG}"', "event: began", "event: level", '"speaker":"whisper"', "event: end", "Scenario deleted"]),
    "python": ([sys.executable], sys.executable, [f"{EMAIL} user", " calls", "refreshed for 3600 s", "422: [{", *FOLLOWED]),
    "javascript": (["node"], "node", [f"{EMAIL} user", " calls", "422: [{", *FOLLOWED]),
}
SUFFIX = {"sh": ".sh", "python": ".py", "javascript": ".mjs"}


def ring(served, stop):
    """Calls the scenario of the examples once it is there."""
    call = [served.binary, "call", "--url", served.url, "--scenario", SLUG, "--say", "A table for two, please."]
    while not stop.wait(0.5):
        if subprocess.run(call, capture_output=True, cwd=served.log.parent).returncode == 0:
            return


def run(served, language, text, folder):
    program, needed, wanted = ROUND[language]
    if shutil.which(needed) is None:
        print(f"{language}: left out, there is no {needed} here")
        return True
    file = pathlib.Path(folder, "example" + SUFFIX[language])
    file.write_text(text)
    environment = os.environ | {
        "RINGBACK_URL": served.url, "RINGBACK_EMAIL": scratch_server.USER["email"],
        "RINGBACK_PASSWORD": scratch_server.USER["password"],
    }
    stop = threading.Event()
    caller = threading.Thread(target=ring, args=(served, stop))
    caller.start()
    try:
        ran = subprocess.run([*program, str(file)], env=environment, capture_output=True, text=True, timeout=90)
    finally:
        stop.set()
        caller.join()
    missing = [line for line in wanted if line not in ran.stdout]
    well = ran.returncode == 0 and not missing
    print(f"{language}: {'ok' if well else 'WRONG'}")
    if not well:
        print(f"status {ran.returncode}, missing {missing}", ran.stdout, ran.stderr, sep="\n")
    return well


def main():
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", DOCS.read_text(), re.MULTILINE | re.DOTALL)
    languages = [language for language, _ in blocks]
    if sorted(set(languages)) != sorted(ROUND):
        print(f"docs/clients.md has {languages}, wanted are {list(ROUND)}")
        return False
    with scratch_server.served(os.path.abspath(sys.argv[1])) as served, tempfile.TemporaryDirectory() as folder:
        return all([run(served, language, text, folder) for language, text in blocks])


if __name__ == "__main__":
    try:
        sys.exit(0 if main() else 1)
    except scratch_server.Failed as why:
        sys.exit(str(why))
