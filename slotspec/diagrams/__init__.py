"""Diagrams of declarations, results and traces.

*Extraction* (``lifecycles``, ``sequences``, ``composition``, ``networks``, ``stategraphs``,
``differences``) turns declarations, results and traces into the frozen dataclasses of
``description``. *Renderers* (``dot``, ``pictures``, ``mermaid``, ``tables``, ``sequence_svg``)
turn these into text and pictures, and know nothing of models.
"""
