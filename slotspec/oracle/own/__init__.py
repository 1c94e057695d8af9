"""Traces, oracle and fuzzing of a user's own model, all derived from its declarations.

The actions of the model are the operations of a trace. Elements of sorts have the names that
reports give them, lifecycle states and enumerations their own names, and the state is the fields of
the record. The bounds of a trace are those of one scope.
"""
