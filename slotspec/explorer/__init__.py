"""The explorer: a web page for stepping through a model.

``views`` prepares what the page shows of a path, ``goals`` finds paths, and ``traces`` replays
recorded traces; none of them knows the web. ``server`` answers requests, and ``page.*`` is the
page itself. The whole state of the page is the path in its address: the server keeps nothing
between requests except caches.
"""
