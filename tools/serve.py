"""Serve the built book on localhost: `python -m tools.serve [port]`."""

import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from tools.common import HTML, say


def main() -> None:
    """Serve until interrupted."""
    if not (HTML / "index.html").exists():
        sys.exit("make serve stopped: there is no built book; run `make book` first.")
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    try:
        server = ThreadingHTTPServer(
            ("127.0.0.1", port), partial(SimpleHTTPRequestHandler, directory=HTML)
        )
    except OSError as error:
        sys.exit(f"make serve stopped: port {port} cannot be used ({error.strerror}); "
                 f"choose another: make serve PORT={port + 1}")  # fmt: skip
    say(f"The book is at http://127.0.0.1:{server.server_port}/ (Ctrl-C to stop)")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        say("")


if __name__ == "__main__":
    main()
