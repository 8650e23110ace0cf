"""The commands about files: import, check, mend, export, and what a trainer says of them."""
