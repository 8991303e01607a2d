"""What OpenAPI cannot say of a request that is right: it is left out where such a one is asked for."""

import schemathesis
from schemathesis import GenerationMode

START = ("/{service}/deploy", "/{service}/canary")


@schemathesis.hook
def filter_case(context, case):
    if case.meta is None or not is_right(case):
        return True
    query, body = case.query or {}, case.body if isinstance(case.body, dict) else {}
    # The query and the body may not both say it.
    if any(body[name] is not None for name in query.keys() & body.keys()):
        return False
    # A version may stand in either, and must in one. A commit and a tag must be of the same version.
    given = {name for part in (query, body) for name in ("commit", "tag") if part.get(name) is not None}
    if len(given) > 1:
        return False
    if case.operation.path in START and case.operation.method in ("put", "post"):
        return len(given) == 1
    return True


@schemathesis.hook
def before_call(context, case, kwargs):
    # In a sequence, values of earlier answers and of the dictionaries are put in after the filter.
    if not is_right(case):
        return
    query, body = case.query or {}, case.body if isinstance(case.body, dict) else {}
    for name in query.keys() & body.keys():
        del (query if body[name] is not None else body)[name]
    if query.get("tag") or body.get("tag"):
        for part in (query, body):
            part.pop("commit", None)


def is_right(case):
    return case.meta is None or case.meta.generation.mode == GenerationMode.POSITIVE
