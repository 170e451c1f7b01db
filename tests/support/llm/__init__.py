"""A model that does what a script says, behind the four APIs: real agents and the gateway are tested against it.

    with model() as llm:
        llm.url                          # give it to an agent or a gateway as the vendor's address
        llm.scripts["mine"] = [{"run": "pytest"}, {"answer": "Done."}]      # a prompt says [[script:mine]]
        llm.fault(what="status", status=429, reset=1.5)
        llm.until(lambda calls: len(calls) == 3)
        llm.calls[0].usage, llm.calls[0].headers, llm.spent()

`python -m support.llm --port 4011`, from `tests/`, serves it by hand. See `scripts.py` for scripts and `faults.py` for what can
be made to go wrong.
"""

from support.llm.faults import Fault
from support.llm.server import Call, Model, model
from support.llm.words import Usage

__all__ = ["Call", "Fault", "Model", "Usage", "model"]
