"""The model of slot sharing in the scheduler since 1.12: SlotSharingExecutionSlotAllocator."""
