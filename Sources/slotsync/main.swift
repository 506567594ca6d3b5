print("slotsync")
