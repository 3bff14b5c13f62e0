#!/usr/bin/env python3
"""The other side of the demo's webhook: counts the alerts that it is sent, on loopback.

    receiver.py PORT-FILE LIST-FILE

Listens on a free port of 127.0.0.1, writes its number to PORT-FILE, and a line for each alert to LIST-FILE.
"""

import http.server
import json
import os
import sys

port_file, list_file = sys.argv[1:]
seen = set()


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        # The same id again is the same delivery again: taken, and not counted twice.
        delivery_id = self.headers.get("webhook-id")
        if delivery_id not in seen:
            seen.add(delivery_id)
            delivery = json.loads(body)
            alert = delivery["alert"]
            with open(list_file, "a", encoding="utf-8") as lines:
                print(f"{delivery['action']:<8} {alert['severity']:<9} {alert['title']}", file=lines)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
    # Whoever waits for the file finds a whole number in it.
    with open(port_file + ".new", "w", encoding="utf-8") as file:
        file.write(str(server.server_port))
    os.rename(port_file + ".new", port_file)
    server.serve_forever()
