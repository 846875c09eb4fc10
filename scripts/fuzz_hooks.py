"""What Schemathesis does not check by itself: that nothing is answered 500, not even where the document tells of it."""

import schemathesis


@schemathesis.check
def never_500(ctx, response, case):
    assert response.status_code != 500, response.text
