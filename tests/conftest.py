"""What holds for every test."""

from __future__ import annotations

import signal

# a shell starts what runs in its background with Ctrl-C ignored, and that is inherited; tests
# that send it to a process of their own would wait for ever
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
