"""Rules to machine code: the very functions that the interpreter runs, compiled.

``layout`` places a state in bytes and bits, ``source`` reads rules through :mod:`ast`,
``lower`` translates them, ``expand`` adds the loop over all calls, ``native`` and ``cache``
turn the text into machine code with Numba's code generator, ``unit`` ties them together.
"""
