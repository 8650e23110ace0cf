"""What detail pages show, as lines. Pure: values in, Lines out."""
