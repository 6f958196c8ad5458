"""A model server for tests: speaks Messages, Responses and chat completions, and answers from recorded main files.

    python3 model.py RECORDED LOG PORT_FILE

RECORDED is a folder with `seed_pairs.json`, `lego_pairs.json` and `lego_baskets.json`; an item that is asked for is answered as it
stands there, in the form that the request's schema asks for if it has one. LOG gets one JSON line a request, and one for the tokens
that it used. PORT_FILE is written once the server listens. It knows nothing of coursebuild: only the protocols and the prompt's text.

The model's name says how it behaves, up to an `@`: `ok`, or `http-429` and its like (an API error with that status), `busy` (429 with
a pause of a second, the first time), `cap` (always at its output limit), `prose`, `refusal`, `context` (400: longer than its window),
`limit` (429 as a subscription's session limit gives it).
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
BUSY = set()

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


def listed(found):
    """The same as an object with a list: what a schema for all calls of a phase can say."""
    if isinstance(found, dict):
        found = [{"id": name, "result": result} for name, result in found.items()]
    return {"items": found}


def answer(prompt, by_schema=False):
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
    return json.dumps(listed(found) if by_schema else found, ensure_ascii=False)


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
        self.log({"path": path, "model": model, "system": text_of(body.get("system") or body.get("instructions")),
                  "bytes": len(raw)})
        behaviour = model.removeprefix("stub-").split("@")[0]
        if behaviour.startswith("http-"):
            status = int(behaviour[5:])
            error = {"type": ERRORS.get(status, "api_error"), "message": f"the stub says {status}"}
            return self.send(status, json.dumps({"type": "error", "error": error, "request_id": "req_1"}),
                             headers=[("x-should-retry", "false")])
        if behaviour == "limit":
            error = {"type": "usage_limit_reached", "message": "The usage limit has been reached",
                     "resets_in_seconds": 7200, "plan_type": "plus"}
            return self.send(429, json.dumps({"type": "error", "error": error}), headers=[("x-should-retry", "false")])
        if behaviour == "busy":
            with LOCK:
                first = model not in BUSY
                BUSY.add(model)
            if first:
                error = {"type": ERRORS[429], "message": "one at a time"}
                return self.send(429, json.dumps({"type": "error", "error": error}), headers=[("retry-after", "1")])
        if behaviour == "context":
            return self.send(400, json.dumps({"error": {
                "type": "invalid_request_error", "code": "context_length_exceeded",
                "message": "This model's maximum context length is 9 tokens."}}))
        if path.endswith("/chat/completions"):
            return self.as_chat(body, model, behaviour)
        if path.endswith("/messages"):
            return self.as_messages(body, model, behaviour)
        if path.endswith("/responses"):
            return self.as_responses(body, model, behaviour)
        self.send(404, "{}")

    def log(self, line):
        with LOCK, open(LOG, "a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")

    def spoken(self, behaviour, prompt, by_schema=False):
        if behaviour == "prose":
            return "Here is what you asked for:\n\n" + answer(prompt) + "\n\nTell me if it should be shorter."
        if behaviour == "cap":
            return answer(prompt)[:200]
        if behaviour == "refusal":
            return ""
        return answer(prompt, by_schema)

    def cached(self, model, system):
        """Whether this model was sent this prefix before."""
        with LOCK:
            cached = (model, system) in SEEN
            SEEN.add((model, system))
        return cached

    def as_messages(self, body, model, behaviour):
        prompt = "\n".join(text_of(turn["content"]) for turn in body["messages"] if turn["role"] == "user")
        system = text_of(body.get("system"))
        said = self.spoken(behaviour, prompt, "format" in (body.get("output_config") or {}))
        cached = self.cached(model, system)
        usage = {
            "input_tokens": tokens(prompt),
            "cache_creation_input_tokens": 0 if cached else tokens(system),
            "cache_read_input_tokens": tokens(system) if cached else 0,
            "output_tokens": tokens(said),
        }
        self.log({"model": model, "usage": {
            "input": usage["input_tokens"], "cache_write": usage["cache_creation_input_tokens"],
            "cache_read": usage["cache_read_input_tokens"], "output": usage["output_tokens"]}})
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

    def as_chat(self, body, model, behaviour):
        turns = body["messages"]
        prompt = "\n".join(text_of(turn["content"]) for turn in turns if turn["role"] == "user")
        system = "\n".join(text_of(turn["content"]) for turn in turns if turn["role"] in ("system", "developer"))
        said = self.spoken(behaviour, prompt, (body.get("response_format") or {}).get("type") == "json_schema")
        read = tokens(system) if self.cached(model, system) else 0
        whole = tokens(system) + tokens(prompt)
        usage = {"prompt_tokens": whole, "completion_tokens": tokens(said), "total_tokens": whole + tokens(said),
                 "prompt_tokens_details": {"cached_tokens": read}}
        self.log({"model": model, "usage": {
            "input": whole - read, "cache_write": 0, "cache_read": read, "output": tokens(said)}})
        stop = {"cap": "length", "refusal": "content_filter"}.get(behaviour, "stop")
        head = {"id": "chat_1", "created": 1, "model": model}
        if not body.get("stream"):
            message = {"role": "assistant", "content": said, "refusal": None}
            choice = {"index": 0, "message": message, "finish_reason": stop, "logprobs": None}
            return self.send(200, json.dumps(head | {"object": "chat.completion", "choices": [choice], "usage": usage}))
        head["object"] = "chat.completion.chunk"
        deltas = [({"role": "assistant", "content": ""}, None), ({"content": said}, None), ({}, stop)]
        chunks = [head | {"choices": [{"index": 0, "delta": delta, "finish_reason": end}]} for delta, end in deltas]
        if (body.get("stream_options") or {}).get("include_usage"):
            chunks.append(head | {"choices": [], "usage": usage})
        text = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks)
        self.send(200, text + "data: [DONE]\n\n", "text/event-stream")

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
