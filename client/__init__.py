"""What a bureau installs: claims in, station, policy, courier."""
