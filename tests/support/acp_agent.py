"""An agent of the Agent Client Protocol that plays a part: `python acp_agent.py PART.json`, over its standard streams.

    {"initialize": {...},            # the answer to that request; there is one that offers little
     "new": {...}, "resume": {...},  # the same of a session; {"error": {...}} refuses it
     "turns": [[STEP, ...], ...],    # one list a prompt, in order; a further prompt ends its turn at once
     "stay": true}                   # goes on when its input is closed

A step is one of `update` (what a session/update holds), `ask` (a tool's call; `options` by kind), `request` [METHOD,
PARAMS], `notify` [METHOD, PARAMS], `raw` TEXT, `until` METHOD (waits until it is told that), `exit` STATUS, `error`
{...}, `reply` {...} (the turn's end). What it is told is written to `heard.jsonl` beside its part, line by line.
"""

import json
import sys
import time
from pathlib import Path

SESSION = "s-1"
GREETING = {"protocolVersion": 1, "agentInfo": {"name": "part", "version": "7.1"}, "agentCapabilities": {}}
METHODS = {"session/new": "new", "session/load": "load", "session/resume": "resume", "session/close": "close"}


class Agent:
    def __init__(self, path):
        self.part = json.loads(path.read_text())
        self.heard = path.with_name("heard.jsonl").open("w")
        self.waiting = []
        self.asked = 0
        self.turns = iter(self.part.get("turns", []))

    def tell(self, **message):
        print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)

    def hear(self):
        line = sys.stdin.readline()
        if not line:
            self.heard.close()
            while self.part.get("stay"):
                time.sleep(3600)
            sys.exit(self.part.get("status", 0))
        self.heard.write(line)
        self.heard.flush()
        return json.loads(line)

    def until(self, fits):
        """The first message that fits; what comes meanwhile is left for later."""
        while not fits(message := self.hear()):
            self.waiting.append(message)
        return message

    def live(self):
        while True:
            message = self.waiting.pop(0) if self.waiting else self.hear()
            if "method" in message:
                self.serve(message)

    def serve(self, message):
        method, here = message["method"], self.part
        if method == "initialize":
            self.answer(message, {**GREETING, **here.get("initialize", {})})
        elif method in METHODS:
            told = here.get(METHODS[method], {})
            for update in told.pop("history", ()) if isinstance(told, dict) else ():
                self.update(update)
            named = {"sessionId": SESSION} if method == "session/new" else {}
            self.answer(message, {**named, **told})
        elif method == "session/prompt":
            self.turn(message)
        elif "id" in message:
            self.answer(message, here.get(method, {}))

    def answer(self, message, told):
        if "error" in told:
            self.part.pop("new", None)  # the next time it is well
            self.tell(id=message["id"], error=told["error"])
        else:
            self.tell(id=message["id"], result=told)

    def update(self, update):
        self.tell(method="session/update", params={"sessionId": SESSION, "update": update})

    def turn(self, prompt):
        for step in next(self.turns, ()):
            ((verb, given), *_) = step.items()
            if verb in ("reply", "error"):
                self.answer(prompt, given if verb == "reply" else step)
                return
            getattr(self, f"do_{verb}")(given, step)
        self.answer(prompt, {"stopReason": "end_turn"})

    def do_update(self, given, _):
        self.update(given)

    def do_ask(self, given, step):
        kinds = step.get("options", ["allow_always", "allow_once", "reject_once"])
        options = [{"optionId": f"the-{kind}", "name": kind, "kind": kind} for kind in kinds]
        params = {"sessionId": SESSION, "toolCall": given, "options": options}
        self.do_request(["session/request_permission", params], step)

    def do_request(self, given, step):
        self.asked += 1
        name = f"ask-{self.asked}"
        self.tell(id=name, method=given[0], params=given[1])
        if not step.get("go_on"):
            self.until(lambda message: message.get("id") == name and "method" not in message)

    def do_notify(self, given, _):
        self.tell(method=given[0], params=given[1])

    def do_raw(self, given, _):
        print(given, flush=True)

    def do_until(self, given, _):
        message = self.until(lambda message: message.get("method") == given)
        if "id" in message:
            self.answer(message, self.part.get(given, {"stopReason": "end_turn"}))

    def do_exit(self, given, _):
        sys.exit(given)


if __name__ == "__main__":
    Agent(Path(sys.argv[1])).live()
