"""What of a request is of this machine and this moment, and so must not count when a tape is played elsewhere.

Places (the clone, HOME, the repository) are stored under names and put back as they are where the tape is played;
secrets are taken out for good. Ids, times and durations stay on the tape, and are overlooked when requests are
compared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

Places = Callable[[str], Mapping[str, str]]
"""Of an agent, by its name: folders by name, such as `clone` and `home`, as its programs see them."""

REMOVED = "[removed]"
_SECRETS = re.compile(
    r"sk-[A-Za-z0-9_-]{16,}|AIza[A-Za-z0-9_-]{30,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|xox[abpr]-[\w-]{10,}"
    r"|AKIA[A-Z0-9]{16}|-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?"
)
_SHORTEST = 8
_MOMENT = re.compile(
    r"(?:(?<![0-9A-Za-z])|(?<=\\[nrt]))(?:"  # a text of JSON has its line ends as a letter
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"  # uuid
    r"|[0-9A-HJKMNP-TV-Z]{26}"  # ulid
    r"|\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d:?\d\d)?"
    r"|\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?(?: ?[AP]M)?"
    r"|\d+(?:\.\d+)? ?(?:ms|s|sec|seconds?)"
    r"|(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:tember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?) +\d{1,2}(?:,? \d{4})?"
    r"|(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?"
    r"|P(?:G)?ID:? ?\d+"
    r"|token count: ?\d+|\d+ tokens"  # of texts with places in them
    r"|[0-9a-f]{6,64}"  # git's names, ids of outputs
    r")(?![0-9A-Za-z])|/tmp/[\w.-]+"
)


class Masks:
    """What is masked for one agent. `secrets` are texts that may be nowhere on a tape."""

    def __init__(self, places: Mapping[str, str], secrets: Iterable[str] = ()) -> None:
        known = {f"@@qd:{name}@@": path.rstrip("/") for name, path in places.items() if len(path) > 1}
        dashed = {mark.replace("qd:", "qd-"): _dashed(path) for mark, path in known.items()}
        self._back = known | dashed
        self._marks = {path: mark for mark, path in self._back.items()}
        longest = sorted(self._marks, key=len, reverse=True)
        self._place = re.compile("|".join(f"{re.escape(path)}(?![\\w-])" for path in longest)) if longest else None
        told = sorted({one for one in secrets if len(one) >= _SHORTEST}, key=len, reverse=True)
        self._secret = re.compile("|".join([*map(re.escape, told), _SECRETS.pattern]))

    def conceal(self, text: str) -> str:
        """As it may stand on a tape."""
        text = self._secret.sub(REMOVED, text)
        return text if self._place is None else self._place.sub(lambda found: self._marks[found[0]], text)

    def reveal(self, text: str) -> str:
        """With the places of here and now."""
        for mark, path in self._back.items():
            text = text.replace(mark, path)
        return text


def shape(text: str) -> str:
    """What stays of a text when moments are overlooked."""
    return _MOMENT.sub("~", text)


def _dashed(path: str) -> str:
    """A folder as some programs name files after it: `/root/my.project` is `-root-my-project`."""
    return re.sub(r"[^A-Za-z0-9]", "-", path)
