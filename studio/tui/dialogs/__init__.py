"""What screens open over themselves: questions, forms, pages."""
