"""Ordinary log files of JobManagers and TaskManagers: what they tell about slots.

:mod:`reading` turns files into events with the kinds of lines that :mod:`job_master_lines`,
:mod:`resource_manager_lines` and :mod:`task_manager_lines` declare. :mod:`stories` ties the ids
together. :mod:`validation` compares each allocation with the declared lifecycles, by the lines that
:mod:`views` lists and the possible states that :mod:`tracking` keeps. :mod:`questions` answers what
operators ask, and :mod:`page` and :mod:`document` present it.
"""
