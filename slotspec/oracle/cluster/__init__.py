"""Explains recordings of real clusters by runs of the cluster models.

:mod:`reading` makes a :mod:`recording` of a file; :mod:`lanes`, :mod:`foresight` and :mod:`shares`
draw from it what the search needs. :mod:`patterns` and :mod:`naming` tie its calls and ids to the
model's messages and numbers, :mod:`shape` its job to the model's bounds, and :mod:`views` compares
what processes remember.

The explainer is one class in layers: :mod:`stepping` takes single steps of the model,
:mod:`delivery` moves messages, :mod:`answers`, :mod:`arrivals` and :mod:`triggers` begin a recorded
step, :mod:`hidden_steps` goes on where no line tells, and :mod:`explanation` searches.
:mod:`declarative` changes what is different since 1.14.
"""
