"""Mathematics and contracts that bureau and coordinator share. No files, no network, no clock."""
