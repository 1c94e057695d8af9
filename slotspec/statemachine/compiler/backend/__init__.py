"""How a state lies in memory, and how text becomes machine code."""
