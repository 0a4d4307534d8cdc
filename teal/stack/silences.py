"""What is silenced, and how a silence is shown: by the labels that the rules give."""

from collections.abc import Sequence

from teal.clients.alertmanager import Matcher, Silence

# What a maintenance may be expected to set off. That the stack is watched at all (telemetry, meta,
# host) must not be: nobody wants to find out afterwards that it was not.
PLANNED = ("pool", "errors", "outage", "latency", "traffic", "slo", "release")


def one_alert(name: str) -> list[Matcher]:
    """Return what silences one alert."""
    return [_matcher("alertname", name)]


def alerts(stack: str, names: Sequence[str]) -> list[Matcher]:
    """Return what silences some alerts of this stack."""
    return [_matcher("stack", stack), _matcher("alertname", "|".join(names), is_regex=True)]


def maintenance(stack: str) -> list[Matcher]:
    """Return what silences all that a maintenance of this stack may set off."""
    return [_matcher("stack", stack), _matcher("category", "|".join(PLANNED), is_regex=True)]


def is_maintenance(silence: Silence, stack: str) -> bool:
    """Whether a silence is a planned maintenance of this stack."""
    return _compared(silence.matchers) == _compared(maintenance(stack))


def in_words(silence: Silence) -> str:
    """Return what is silent, such as `StandbyPoolDown` or `category=~pool|errors`."""
    return ", ".join(map(_words, silence.matchers))


# Private


def _matcher(name: str, value: str, *, is_regex: bool = False) -> Matcher:
    return {"name": name, "value": value, "isRegex": is_regex, "isEqual": True}


def _compared(matchers: Sequence[Matcher]) -> set[tuple[str, str, bool, bool]]:
    return {(m["name"], m["value"], m["isRegex"], m.get("isEqual", True)) for m in matchers}


def _words(matcher: Matcher) -> str:
    if matcher["name"] == "alertname" and not matcher["isRegex"]:
        return matcher["value"]
    equal = matcher.get("isEqual", True)
    sign = ("=~" if equal else "!~") if matcher["isRegex"] else ("=" if equal else "!=")
    return f"{matcher['name']}{sign}{matcher['value']}"
