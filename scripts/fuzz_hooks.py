"""What Schemathesis does not do by itself: ask for a call that there is, and refuse a 500 even where the document tells of it."""

import os
import random

import schemathesis

CALL = os.environ.get("FUZZ_CALL")
CHANCE = random.Random(1)


@schemathesis.hook
def map_path_parameters(ctx, path_parameters):
    """Every second time the call is one that there is."""
    if CALL and path_parameters and ctx.operation.path.startswith("/calls/{id}") and CHANCE.random() < 0.5:
        return {**path_parameters, "id": CALL}
    return path_parameters


@schemathesis.serializer("application/toml", "application/x-toml", "text/x-toml")
def toml(ctx, value):
    """A text as it is: most of them are no TOML, which is to be told."""
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.check
def never_500(ctx, response, case):
    assert response.status_code != 500, response.text
