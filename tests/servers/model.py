"""A model server for tests: speaks the Messages and the Responses protocol, and answers from recorded main files.

    python3 model.py RECORDED LOG PORT_FILE

RECORDED is a folder with `seed_pairs.json`, `lego_pairs.json` and `lego_baskets.json`; an item that is asked for is answered as it
stands there. LOG gets one JSON line a request. PORT_FILE is written once the server listens. The model's name says how it behaves:
`ok`, or `http-429` and its like (an API error with that status), `cap` (always at its output limit), `prose`, `refusal`,
`limit` (429 as a subscription's session limit gives it). It knows nothing of coursebuild: only the two protocols and the prompt's text.
"""

import json
import os
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

RECORDED, LOG, PORT_FILE = sys.argv[1:4]
FILES = {"phase1": "seed_pairs.json", "phase3": "lego_pairs.json", "phase5": "lego_baskets.json"}
LOCK = threading.Lock()
SEEN = set()

ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}


def recorded(phase):
    with open(os.path.join(RECORDED, FILES[phase]), encoding="utf-8") as file:
        return json.load(file)


def answer(prompt):
    """The recorded outputs of the items that a prompt asks for."""
    asked = re.search(r"# The batch (phase\d)_batch_.*?## Input.*?```json\n(.*?)\n```", prompt, re.S)
    if not asked:
        return "I was asked for nothing that I know."
    ids = [item["id"] for item in json.loads(asked.group(2))["items"]]
    known = recorded(asked.group(1))
    if isinstance(known, dict):
        found = {name: known[name] for name in ids if name in known}
    else:
        found = [item for item in known if item[0] in ids]
    return json.dumps(found, ensure_ascii=False)


def text_of(content):
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content or [])


def tokens(text):
    return max(1, len(text.encode()) // 4)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def send(self, status, body, kind="application/json", headers=()):
        data = body.encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        self.send(404, json.dumps({"type": "error", "error": {"type": "not_found_error", "message": "no such page"}}))

    do_HEAD = do_GET

    def do_POST(self):
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        path = self.path.split("?")[0]
        try:
            body = json.loads(raw)
        except ValueError:
            return self.send(400, "{}")
        if path.endswith("/count_tokens"):
            return self.send(200, json.dumps({"input_tokens": tokens(raw.decode())}))
        model = body.get("model", "")
        with LOCK, open(LOG, "a", encoding="utf-8") as log:
            line = {"path": path, "model": model, "system": text_of(body.get("system") or body.get("instructions")),
                    "bytes": len(raw)}
            log.write(json.dumps(line) + "\n")
        behaviour = model.removeprefix("stub-")
        if behaviour.startswith("http-"):
            status = int(behaviour[5:])
            error = {"type": ERRORS.get(status, "api_error"), "message": f"the stub says {status}"}
            return self.send(status, json.dumps({"type": "error", "error": error, "request_id": "req_1"}),
                             headers=[("x-should-retry", "false")])
        if behaviour == "limit":
            error = {"type": "usage_limit_reached", "message": "The usage limit has been reached",
                     "resets_in_seconds": 7200, "plan_type": "plus"}
            return self.send(429, json.dumps({"type": "error", "error": error}), headers=[("x-should-retry", "false")])
        if path.endswith("/messages"):
            return self.as_messages(body, model, behaviour)
        if path.endswith("/responses"):
            return self.as_responses(body, model, behaviour)
        self.send(404, "{}")

    def spoken(self, behaviour, prompt):
        if behaviour == "prose":
            return "Here is what you asked for:\n\n" + answer(prompt) + "\n\nTell me if it should be shorter."
        if behaviour == "cap":
            return answer(prompt)[:200]
        if behaviour == "refusal":
            return ""
        return answer(prompt)

    def as_messages(self, body, model, behaviour):
        prompt = "\n".join(text_of(turn["content"]) for turn in body["messages"] if turn["role"] == "user")
        system = text_of(body.get("system"))
        said = self.spoken(behaviour, prompt)
        with LOCK:
            cached = system in SEEN
            SEEN.add(system)
        usage = {
            "input_tokens": tokens(prompt),
            "cache_creation_input_tokens": 0 if cached else tokens(system),
            "cache_read_input_tokens": tokens(system) if cached else 0,
            "output_tokens": tokens(said),
        }
        stop = {"cap": "max_tokens", "refusal": "refusal"}.get(behaviour, "end_turn")
        head = {"id": "msg_1", "type": "message", "role": "assistant", "model": model, "stop_sequence": None}
        if not body.get("stream"):
            whole = head | {"content": [{"type": "text", "text": said}], "stop_reason": stop, "usage": usage}
            return self.send(200, json.dumps(whole))
        events = [
            {"type": "message_start",
             "message": head | {"content": [], "stop_reason": None, "usage": usage | {"output_tokens": 1}}},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": said}},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None}, "usage": usage},
            {"type": "message_stop"},
        ]
        self.stream(events)

    def as_responses(self, body, model, behaviour):
        turns = body.get("input") or []
        users = [turns] if isinstance(turns, str) else [
            text_of(turn.get("content")) for turn in turns if turn.get("role") == "user"]
        prompt = "\n".join(users)
        said = self.spoken(behaviour, prompt)
        item = {"type": "message", "id": "item_1", "role": "assistant", "status": "completed",
                "content": [{"type": "output_text", "text": said, "annotations": []}]}
        usage = {"input_tokens": tokens(prompt), "input_tokens_details": {"cached_tokens": 7},
                 "output_tokens": tokens(said), "output_tokens_details": {"reasoning_tokens": 3},
                 "total_tokens": tokens(prompt) + tokens(said)}
        head = {"id": "resp_1", "object": "response", "created_at": 1, "model": model}
        events = [
            {"type": "response.created", "response": head | {"status": "in_progress", "output": []}},
            {"type": "response.output_item.added", "output_index": 0, "item": item | {"content": []}},
            {"type": "response.output_text.delta", "item_id": "item_1", "output_index": 0, "content_index": 0, "delta": said},
            {"type": "response.output_item.done", "output_index": 0, "item": item},
        ]
        if behaviour == "cap":
            events.append({"type": "response.incomplete", "response": head | {
                "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}, "output": [item], "usage": usage}})
        else:
            events.append({"type": "response.completed",
                           "response": head | {"status": "completed", "output": [item], "usage": usage}})
        self.stream(events)

    def stream(self, events):
        text = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
        self.send(200, text, "text/event-stream")


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open(PORT_FILE + ".new", "w", encoding="utf-8") as file:
    file.write(str(server.server_address[1]))
os.rename(PORT_FILE + ".new", PORT_FILE)
server.serve_forever()
