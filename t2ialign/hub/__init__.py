"""What goes to the Hugging Face Hub and to other programs, and what comes back."""
