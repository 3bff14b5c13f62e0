# What Sigma rules call Windows events: a service is a channel of the event log, a category is a kind of event.
# Categories of Sysmon are its event ids; process creation is also event 4688 of the security log, whose fields are
# called otherwise.
logsource "windows" {
  product = "windows"
  table   = "windows_event_log"

  any {}

  service "application" {
    where = { Channel = "Application" }
  }
  service "security" {
    where = { Channel = "Security" }
  }
  service "system" {
    where = { Channel = "System" }
  }
  service "sysmon" {
    where = { Channel = "Microsoft-Windows-Sysmon/Operational" }
  }
  service "powershell" {
    where = { Channel = ["Microsoft-Windows-PowerShell/Operational", "PowerShellCore/Operational"] }
  }
  service "powershell-classic" {
    where = { Channel = "Windows PowerShell" }
  }
  service "ntlm" {
    where = { Channel = "Microsoft-Windows-NTLM/Operational" }
  }
  service "taskscheduler" {
    where = { Channel = "Microsoft-Windows-TaskScheduler/Operational" }
  }
  service "wmi" {
    where = { Channel = "Microsoft-Windows-WMI-Activity/Operational" }
  }
  service "dhcp" {
    where = { Channel = "Microsoft-Windows-DHCP-Server/Operational" }
  }
  service "dns-server" {
    where = { Channel = "DNS Server" }
  }
  service "dns-server-audit" {
    where = { Channel = "Microsoft-Windows-DNSServer/Audit" }
  }
  service "dns-server-analytic" {
    where = { Channel = "Microsoft-Windows-DNSServer/Analytical" }
  }
  service "dns-client" {
    where = { Channel = ["Microsoft-Windows-DNS Client Events/Operational", "Microsoft-Windows-DNS-Client/Operational"] }
  }
  service "driver-framework" {
    where = { Channel = "Microsoft-Windows-DriverFrameworks-UserMode/Operational" }
  }
  service "printservice-admin" {
    where = { Channel = "Microsoft-Windows-PrintService/Admin" }
  }
  service "printservice-operational" {
    where = { Channel = "Microsoft-Windows-PrintService/Operational" }
  }
  service "smbclient-security" {
    where = { Channel = "Microsoft-Windows-SmbClient/Security" }
  }
  service "smbclient-connectivity" {
    where = { Channel = "Microsoft-Windows-SmbClient/Connectivity" }
  }
  service "smbserver-connectivity" {
    where = { Channel = "Microsoft-Windows-SMBServer/Connectivity" }
  }
  service "terminalservices-localsessionmanager" {
    where = { Channel = "Microsoft-Windows-TerminalServices-LocalSessionManager/Operational" }
  }
  service "codeintegrity-operational" {
    where = { Channel = "Microsoft-Windows-CodeIntegrity/Operational" }
  }
  service "applocker" {
    where = { Channel = ["Microsoft-Windows-AppLocker/EXE and DLL", "Microsoft-Windows-AppLocker/MSI and Script", "Microsoft-Windows-AppLocker/Packaged app-Deployment", "Microsoft-Windows-AppLocker/Packaged app-Execution"] }
  }
  service "msexchange-management" {
    where = { Channel = "MSExchange Management" }
  }
  service "windefend" {
    where = { Channel = "Microsoft-Windows-Windows Defender/Operational" }
  }
  service "firewall-as" {
    where = { Channel = "Microsoft-Windows-Windows Firewall With Advanced Security/Firewall" }
  }
  service "bits-client" {
    where = { Channel = "Microsoft-Windows-Bits-Client/Operational" }
  }
  service "security-mitigations" {
    where = { Channel = ["Microsoft-Windows-Security-Mitigations/Kernel Mode", "Microsoft-Windows-Security-Mitigations/User Mode"] }
  }
  service "diagnosis-scripted" {
    where = { Channel = "Microsoft-Windows-Diagnosis-Scripted/Operational" }
  }
  service "shell-core" {
    where = { Channel = "Microsoft-Windows-Shell-Core/Operational" }
  }
  service "openssh" {
    where = { Channel = "OpenSSH/Operational" }
  }
  service "ldap" {
    where = { Channel = "Microsoft-Windows-LDAP-Client/Debug" }
  }
  service "bitlocker" {
    where = { Channel = "Microsoft-Windows-BitLocker/BitLocker Management" }
  }
  service "vhdmp" {
    where = { Channel = "Microsoft-Windows-VHDMP/Operational" }
  }
  service "appxdeployment-server" {
    where = { Channel = "Microsoft-Windows-AppXDeploymentServer/Operational" }
  }
  service "appxpackaging-om" {
    where = { Channel = "Microsoft-Windows-AppxPackaging/Operational" }
  }
  service "appmodel-runtime" {
    where = { Channel = "Microsoft-Windows-AppModel-Runtime/Admin" }
  }
  service "lsa-server" {
    where = { Channel = "Microsoft-Windows-LSA/Operational" }
  }
  service "capi2" {
    where = { Channel = "Microsoft-Windows-CAPI2/Operational" }
  }
  service "certificateservicesclient-lifecycle-system" {
    where = { Channel = "Microsoft-Windows-CertificateServicesClient-Lifecycle-System/Operational" }
  }
  service "kernel-shimengine" {
    where = { Channel = ["Microsoft-Windows-Kernel-ShimEngine/Diagnostic", "Microsoft-Windows-Kernel-ShimEngine/Operational"] }
  }
  service "kernel-event-tracing" {
    where = { Channel = "Microsoft-Windows-Kernel-EventTracing" }
  }
  service "application-experience" {
    where = { Channel = ["Microsoft-Windows-Application-Experience/Program-Compatibility-Assistant", "Microsoft-Windows-Application-Experience/Program-Telemetry"] }
  }
  service "ntfs" {
    where = { Channel = "Microsoft-Windows-Ntfs/Operational" }
  }
  service "hyper-v-worker" {
    where = { Channel = "Microsoft-Windows-Hyper-V-Worker" }
  }
  service "sense" {
    where = { Channel = "Microsoft-Windows-SENSE/Operational" }
  }
  service "servicebus-client" {
    where = { Channel = ["Microsoft-ServiceBus-Client/Admin", "Microsoft-ServiceBus-Client/Operational"] }
  }
  service "microsoft-servicebus-client" {
    where = { Channel = "Microsoft-ServiceBus-Client" }
  }
  service "iis-configuration" {
    where = { Channel = "Microsoft-IIS-Configuration/Operational" }
  }

  category "process_creation" {
    where = { Channel = "Microsoft-Windows-Sysmon/Operational", EventID = 1 }
  }

  category "process_creation" {
    where  = { Channel = "Security", EventID = 4688 }
    fields = { Image = "NewProcessName", ParentImage = "ParentProcessName", IntegrityLevel = "MandatoryLabel" }
  }

  category "file_change" {
    where = { Channel = "Microsoft-Windows-Sysmon/Operational", EventID = 2 }
  }

  category "network_connection" {
    where = { Channel = "Microsoft-Windows-Sysmon/Operational", EventID = 3 }
  }

  category "sysmon_status" {
    where = { Channel = "Microsoft-Windows-Sysmon/Operational", EventID = [4, 16] }
  }

  category "process_termination" {
    where = { Channel = "Microsoft-Windows-Sysmon/Operational", EventID = 5 }
  }

  category "driver_load" {
    where = { Channel = "Microsoft-Windows-Sysmon/Operational", EventID = 6 }
  }

  category "image_load" {
    where = { Channel = "Microsoft-Windows-Sysmon/Operational", EventID = 7 }
  }

  category "create_remote_thread" {
    where = { Channel = "Microsoft-Windows-Sysmon/Operational", EventID = 8 }
  }

  category "raw_access_thread" {
    where = { Channel = "Microsoft-Windows-Sysmon/Operational", EventID = 9 }
  }

  category "process_access" {
    where = { Channel = "Microsoft-Windows-Sysmon/Operational", EventID = 10 }
  }

  category "file_event" {
    where = { Channel = "Microsoft-Windows-Sysmon/Operational", EventID = 11 }
  }

  category "registry_event" {
    where = { Channel = "Microsoft-Windows-Sysmon/Operational", EventID = [12, 13, 14] }
  }

  category "registry_set" {
    where = { Channel = "Microsoft-Windows-Sysmon/Operational", EventID = 13 }
  }

  category "registry_rename" {
    where = { Channel = "Microsoft-Windows-Sysmon/Operational", EventID = 14 }
  }

  category "create_stream_hash" {
    where = { Channel = "Microsoft-Windows-Sysmon/Operational", EventID = 15 }
  }

  category "pipe_created" {
    where = { Channel = "Microsoft-Windows-Sysmon/Operational", EventID = [17, 18] }
  }

  category "wmi_event" {
    where = { Channel = "Microsoft-Windows-Sysmon/Operational", EventID = [19, 20, 21] }
  }

  category "dns_query" {
    where = { Channel = "Microsoft-Windows-Sysmon/Operational", EventID = 22 }
  }

  category "file_delete" {
    where = { Channel = "Microsoft-Windows-Sysmon/Operational", EventID = [23, 26] }
  }

  category "clipboard_change" {
    where = { Channel = "Microsoft-Windows-Sysmon/Operational", EventID = 24 }
  }

  category "process_tampering" {
    where = { Channel = "Microsoft-Windows-Sysmon/Operational", EventID = 25 }
  }

  category "file_delete_detected" {
    where = { Channel = "Microsoft-Windows-Sysmon/Operational", EventID = 26 }
  }

  category "file_block_executable" {
    where = { Channel = "Microsoft-Windows-Sysmon/Operational", EventID = 27 }
  }

  category "file_block_shredding" {
    where = { Channel = "Microsoft-Windows-Sysmon/Operational", EventID = 28 }
  }

  category "file_executable_detected" {
    where = { Channel = "Microsoft-Windows-Sysmon/Operational", EventID = 29 }
  }

  category "sysmon_error" {
    where = { Channel = "Microsoft-Windows-Sysmon/Operational", EventID = 255 }
  }

  category "registry_add" {
    where = { Channel = "Microsoft-Windows-Sysmon/Operational", EventID = 12, EventType = "CreateKey" }
  }

  category "registry_delete" {
    where = { Channel = "Microsoft-Windows-Sysmon/Operational", EventID = 12, EventType = ["DeleteKey", "DeleteValue"] }
  }

  category "ps_module" {
    where = { Channel = ["Microsoft-Windows-PowerShell/Operational", "PowerShellCore/Operational"], EventID = 4103 }
  }

  category "ps_script" {
    where = { Channel = ["Microsoft-Windows-PowerShell/Operational", "PowerShellCore/Operational"], EventID = 4104 }
  }

  category "ps_classic_start" {
    where = { Channel = "Windows PowerShell", EventID = 400 }
  }

  category "ps_classic_provider_start" {
    where = { Channel = "Windows PowerShell", EventID = 600 }
  }

  category "ps_classic_script" {
    where = { Channel = "Windows PowerShell", EventID = 800 }
  }

  # Events of the kernel's file provider, as collectors of its traces write them.
  category "file_access" {
    where = { Provider_Name = "Microsoft-Windows-Kernel-File", EventID = 12 }
  }

  category "file_rename" {
    where = { Provider_Name = "Microsoft-Windows-Kernel-File", EventID = [19, 27] }
  }
}

# What the built-in scanner of Windows finds is what rules call an antivirus.
logsource "windows_defender" {
  table = "windows_event_log"

  category "antivirus" {
    where  = { Channel = "Microsoft-Windows-Windows Defender/Operational", EventID = [1006, 1007, 1008, 1009, 1010, 1011, 1012, 1017, 1018, 1019, 1115, 1116, 1117] }
    fields = { Signature = "ThreatName", Filename = "Path" }
  }
}
