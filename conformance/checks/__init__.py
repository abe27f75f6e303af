"""What the clients must see. One file per group of operations; each check is one function that reads as a sentence."""
