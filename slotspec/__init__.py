"""Apache Flink's slot protocol as declared, executable, formally checked state machines."""

__version__ = "0.1.0"
