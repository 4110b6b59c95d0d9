"""Where frames come from: one module per URI scheme, and the machinery that runs any of them in a process of its own.

`table` the list and `open_source` (lockstep: every frame, in order, in the calling process);
`live` the same sources live: isolated, paced, watched and reconnected (`isolate`, `child`, `ring`, `pace`, `reconnect`, `liveness`).
"""
