"""Diagrams of what is declared and of what was found.

Three stages that know nothing of each other's inside: *extraction* (``lifecycles``,
``sequences``, ``composition``, ``stategraphs``, ``differences``) turns declarations, results
and traces into the small frozen dataclasses of ``description``; *renderers* (``dot``,
``pictures``, ``mermaid``, ``tables``, ``sequence_svg``) turn those into text and pictures.
No renderer touches a machine.
"""
