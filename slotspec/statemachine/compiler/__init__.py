"""Compiles rules, the same functions that the interpreter runs, to machine code.

``frontend`` translates the source of rules to LLVM's textual form. ``drivers`` adds the
functions that call them, such as the loop over all calls. ``backend`` turns the text into
machine code with Numba's code generator and caches it. ``compile`` ties them together.
"""
