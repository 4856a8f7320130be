//! The process that connects and disconnects controllers for nvme-discoverd
