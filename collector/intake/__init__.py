"""How reports travel: deliveries, the mail around a report, the packing of its bytes."""
