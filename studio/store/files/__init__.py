"""Dataset files on disk: opening, reading and writing them, what they name, and the folder of an export."""
