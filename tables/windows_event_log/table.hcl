# Windows events as JSON, whoever wrote them: winlogbeat, NXLog, evtx_dump, OpenWEC, Velociraptor, forwarders that turn
# the XML into JSON, and flat records. All of them become the same columns, under the names that Windows gives the
# fields of its events and that Sigma rules use. What is in no column is in `extra`.
table "windows_event_log" {
  description = "Windows events (Security, System, Sysmon, PowerShell and others) from any shipper that writes JSON."
  channel     = "windows.event"
  format      = format.jsonl.default
  map_fields  = []

  recognise = [
    ["EventID", "Channel"],
    ["EventID", "ProviderName"],
    ["EventID", "SourceName", "Hostname"],
    ["winlog.channel"],
    ["Event.System"],
    ["System.EventID", "System.Channel"],
    ["event_id", "log_name", "computer_name"],
  ]

  roots = [
    "EventData",
    "EventData.Data",
    "UserData.*",
    "Event.EventData",
    "Event.EventData.Data",
    "Event.UserData.*",
    "winlog.event_data",
    "winlog.user_data",
    "event_data",
    "user_data",
  ]

  column "tp_timestamp" {
    source = [
      "TimeCreated",
      "Event.System.TimeCreated.#attributes.SystemTime",
      "Event.System.TimeCreated.@SystemTime",
      "Event.System.TimeCreated_attributes.SystemTime",
      "Event.System.TimeCreated.SystemTime",
      "System.TimeCreated",
      "System.TimeCreated.SystemTime",
      "@timestamp",
      "EventTime",
      "UtcTime",
    ]
  }

  column "tp_index" {
    source = ["Computer", "Hostname", "winlog.computer_name", "Event.System.Computer", "System.Computer", "computer_name"]
  }

  column "tp_source_ip" {
    source  = ["SourceIp", "IpAddress", "SourceAddress", "ClientAddress"]
    null_if = ["-", "", "LOCAL"]
  }

  column "tp_destination_ip" {
    source  = ["DestinationIp", "DestAddress"]
    null_if = ["-", ""]
  }

  # What every event has.

  column "EventID" {
    description = "What kind of event it is, a number that means something only together with the provider."
    type        = "integer"
    source = [
      "EventID",
      "winlog.event_id",
      "Event.System.EventID",
      "Event.System.EventID.#text",
      "System.EventID",
      "System.EventID.Value",
      "event_id",
    ]
  }

  column "Channel" {
    description = "The log that the event was written to, such as `Security` or `Microsoft-Windows-Sysmon/Operational`."
    source      = ["Channel", "winlog.channel", "Event.System.Channel", "System.Channel", "log_name"]
  }

  column "Provider_Name" {
    description = "What wrote the event, such as `Microsoft-Windows-Security-Auditing`."
    source = [
      "Provider_Name",
      "SourceName",
      "winlog.provider_name",
      "Event.System.Provider.#attributes.Name",
      "Event.System.Provider.@Name",
      "Event.System.Provider_attributes.Name",
      "Event.System.Provider.Name",
      "System.Provider.Name",
      "source_name",
      "ProviderName",
    ]
  }

  column "Provider_Guid" {
    description = "The id of what wrote the event, in braces or not, as the shipper writes it."
    source = [
      "ProviderGuid",
      "Provider_Guid",
      "winlog.provider_guid",
      "Event.System.Provider.#attributes.Guid",
      "Event.System.Provider.@Guid",
      "Event.System.Provider_attributes.Guid",
      "Event.System.Provider.Guid",
      "System.Provider.Guid",
    ]
  }

  column "Computer" {
    description = "The computer where it happened."
    source      = ["Computer", "Hostname", "winlog.computer_name", "Event.System.Computer", "System.Computer", "computer_name"]
  }

  column "RecordNumber" {
    description = "The number of the event in its log on that computer."
    type        = "bigint"
    source      = ["RecordNumber", "EventRecordID", "winlog.record_id", "Event.System.EventRecordID", "System.EventRecordID", "record_number"]
  }

  column "Level" {
    description = "How bad it is: 1 critical, 2 error, 3 warning, 4 information, 5 verbose, 0 always logged."
    type        = "integer"
    source      = ["LevelValue", "Level", "Event.System.Level", "System.Level"]
  }

  column "Task" {
    description = "The part of the provider that the event is about, as its number."
    type        = "integer"
    source      = ["TaskValue", "Task", "Event.System.Task", "System.Task"]
  }

  column "Category" {
    description = "The part of the provider that the event is about, by its name."
    source      = ["Category", "winlog.task", "Event.RenderingInfo.Task", "RenderingInfo.Task"]
  }

  column "Opcode" {
    description = "What was done, by its name, such as `Info` or `Start`."
    source      = ["Opcode", "winlog.opcode", "Event.RenderingInfo.Opcode", "RenderingInfo.Opcode"]
  }

  column "OpcodeValue" {
    description = "What was done, as its number."
    type        = "integer"
    source      = ["OpcodeValue", "Event.System.Opcode", "System.Opcode"]
  }

  column "Keywords" {
    description = "Marks of the event as the bits of a number; in the Security log 0x8020000000000000 is a success, 0x8010000000000000 a failure."
    source      = ["Keywords", "Event.System.Keywords", "System.Keywords"]
  }

  column "Version" {
    description = "The version of this kind of event."
    type        = "integer"
    source      = ["Version", "winlog.version", "Event.System.Version", "System.Version"]
  }

  column "ExecutionProcessID" {
    description = "The process that wrote the event; not the one it is about."
    type        = "bigint"
    source = [
      "ExecutionProcessID",
      "winlog.process.pid",
      "Event.System.Execution.#attributes.ProcessID",
      "Event.System.Execution.@ProcessID",
      "Event.System.Execution_attributes.ProcessID",
      "Event.System.Execution.ProcessID",
      "System.Execution.ProcessID",
    ]
  }

  column "ExecutionThreadID" {
    description = "The thread that wrote the event."
    type        = "bigint"
    source = [
      "ThreadID",
      "ExecutionThreadID",
      "winlog.process.thread.id",
      "Event.System.Execution.#attributes.ThreadID",
      "Event.System.Execution.@ThreadID",
      "Event.System.Execution_attributes.ThreadID",
      "Event.System.Execution.ThreadID",
      "System.Execution.ThreadID",
    ]
  }

  column "Security_UserID" {
    description = "The SID of the account under which the event was written."
    source = [
      "Security_UserID",
      "UserID",
      "winlog.user.identifier",
      "Event.System.Security.#attributes.UserID",
      "Event.System.Security.@UserID",
      "Event.System.Security_attributes.UserID",
      "Event.System.Security.UserID",
      "System.UserID",
      "System.Security.UserID",
    ]
  }

  column "ActivityID" {
    description = "The id that the events of one activity have in common."
    source = [
      "ActivityID",
      "winlog.activity_id",
      "Event.System.Correlation.#attributes.ActivityID",
      "Event.System.Correlation.@ActivityID",
      "Event.System.Correlation_attributes.ActivityID",
      "Event.System.Correlation.ActivityID",
      "System.Correlation.ActivityID",
    ]
  }

  column "Message" {
    description = "The event in words, in the language of the computer, where the shipper has them."
    source      = ["Message", "message", "Event.RenderingInfo.Message", "RenderingInfo.Message"]
  }

  column "SourceName" {
    description = "What event data or the shipper call the source: often the provider, for Defender what found the threat."
    source      = ["Source Name", "SourceName"]
  }

  column "AccountName" { description = "The account that a service runs as, or of NXLog the account under which the event was written." }
  column "AccountType" { description = "The type of that account, such as `User`." }
  column "Domain" { description = "The domain of that account." }

  # Processes.

  column "Image" { description = "The file of the process that did it." }
  column "CommandLine" { description = "The command line of the process." }
  column "OriginalFileName" { description = "The name that the file had when it was built, which stays when it is renamed." }
  column "Description" { description = "What the file says that it is." }
  column "Product" { description = "The product that the file says it belongs to." }
  column "Company" { description = "The company that the file says it is from." }
  column "FileVersion" { description = "The version that the file says it has." }
  column "CurrentDirectory" { description = "The folder in which the process was started." }
  column "IntegrityLevel" { description = "How much Windows trusts the process: `Low`, `Medium`, `High`, `System`, or its SID." }
  column "LogonGuid" { description = "The id of the logon session, the same on several computers." }
  column "TerminalSessionId" { description = "The desktop session of the user." }

  column "Hashes" {
    description = "The hashes of the file as Sysmon writes them: `SHA1=…,MD5=…,SHA256=…,IMPHASH=…`."
  }

  column "Hash" {
    description = "The hashes of a stream of a file, or of what another product found."
  }

  column "md5" {
    description = "The MD5 in `Hashes` or `Hash`."
    observable  = "hash"
  }

  column "sha1" {
    description = "The SHA-1 in `Hashes` or `Hash`."
    observable  = "hash"
  }

  column "sha256" {
    description = "The SHA-256 in `Hashes` or `Hash`."
    observable  = "hash"
  }

  column "imphash" {
    description = "The hash of the imports of the file in `Hashes` or `Hash`; the same for builds of one program."
    observable  = "hash"
  }

  column "LogonId" {
    description = "The logon session of the user, as a number that is unique until the computer restarts."
    source      = ["LogonId", "LogonID"]
  }

  column "ProcessGuid" { description = "Sysmon's id of the process, which is never used again." }

  column "ProcessId" {
    description = "The process that did it, as a number or, in the Security log, as hexadecimal text."
    source      = ["ProcessId", "ProcessID", "processId"]
  }

  column "User" {
    description = "The account of the process, as `DOMAIN\\name`."
    observable  = "username"
  }

  column "ParentImage" { description = "The file of the process that started it." }
  column "ParentCommandLine" { description = "The command line of the process that started it." }
  column "ParentProcessGuid" { description = "Sysmon's id of the process that started it." }
  column "ParentProcessId" { description = "The process that started it." }

  column "ParentUser" {
    description = "The account of the process that started it."
    observable  = "username"
  }

  column "GrandParentImage" { description = "The file of the process before the parent." }
  column "GrandparentCommandLine" { description = "The command line of the process before the parent." }
  column "NewProcessName" { description = "The file of the process that was started (Security 4688)." }
  column "NewProcessId" { description = "The process that was started (Security 4688)." }
  column "ParentProcessName" { description = "The file of the process that started it (Security 4688)." }

  column "ProcessName" {
    description = "The file of the process that did it (Security), or that a product looked at."
    source      = ["ProcessName", "Process Name"]
  }

  column "ProcessPath" {
    description = "The file of the process."
    source      = ["ProcessPath", "processPath"]
  }

  column "ProcessCommandLine" { description = "The command line of the process." }
  column "TokenElevationType" { description = "Whether the process has all rights of its user: `%%1936` by default, `%%1937` elevated, `%%1938` limited." }
  column "MandatoryLabel" { description = "How much Windows trusts the new process, as a SID (Security 4688)." }
  column "ProcessCreateTime" { description = "When the process was started." }
  column "ProcessCreationTime" { description = "When the client process was started." }
  column "ProcessStartKey" { description = "The id of the process since the computer was started." }
  column "ProcessProtection" { description = "How the process is protected from others." }
  column "ProcessSignatureLevel" { description = "How well the file of the process must be signed." }
  column "ProcessSectionSignatureLevel" { description = "How well what the process loads must be signed." }
  column "ProcessPathLength" { description = "The length of the process's path." }
  column "ProcessCommandLineLength" { description = "The length of the process's command line." }
  column "RuleName" { description = "The rule of Sysmon's configuration that wanted the event." }
  column "UtcTime" { description = "When it happened, as Sysmon writes it." }

  # One process and another.

  column "SourceImage" { description = "The file of the process that opens or changes another." }
  column "SourceProcessId" { description = "The process that opens or changes another." }

  column "SourceProcessGUID" {
    description = "Sysmon's id of that process."
    source      = ["SourceProcessGUID", "SourceProcessGuid"]
  }

  column "SourceThreadId" { description = "The thread that opens another process." }
  column "SourceCommandLine" { description = "The command line of the process that opens or changes another." }
  column "SourceParentImage" { description = "The file of its parent." }
  column "SourceParentProcessId" { description = "Its parent." }
  column "SourceParentCommandLine" { description = "The command line of its parent." }

  column "SourceUser" {
    description = "The account of that process."
    observable  = "username"
  }

  column "TargetImage" { description = "The file of the process that is opened or changed." }
  column "TargetProcessId" { description = "The process that is opened or changed." }

  column "TargetProcessGUID" {
    description = "Sysmon's id of that process."
    source      = ["TargetProcessGUID", "TargetProcessGuid"]
  }

  column "TargetCommandLine" { description = "The command line of the process that is opened or changed." }
  column "TargetParentImage" { description = "The file of its parent." }
  column "TargetParentProcessId" { description = "Its parent." }
  column "TargetParentCommandLine" { description = "The command line of its parent." }

  column "TargetUser" {
    description = "The account of that process."
    observable  = "username"
  }

  column "GrantedAccess" { description = "What the opened process allows, as the bits of a hexadecimal number." }
  column "CallTrace" { description = "The stack of the call that opened the process." }
  column "CallTraceExtended" { description = "The stack of the call, with more about each step." }
  column "NewThreadId" { description = "The thread that was started in the other process." }
  column "StartAddress" { description = "Where the new thread starts." }
  column "StartModule" { description = "The module where the new thread starts." }
  column "StartFunction" { description = "The function where the new thread starts." }
  column "IsInitialThread" { description = "Whether it is the first thread of its process." }
  column "RemoteCreation" { description = "Whether another process started the thread." }
  column "TargetThreadId" { description = "The thread that it is about." }
  column "TargetThreadCreateTime" { description = "When that thread was started." }
  column "IssuingThreadId" { description = "The thread that asked for it." }

  # Modules, drivers and signatures.

  column "ImageLoaded" { description = "The module or driver that was loaded." }
  column "Signed" { description = "Whether the file is signed." }
  column "Signature" { description = "Who signed the file." }
  column "SignatureStatus" { description = "What came of checking the signature, such as `Valid`." }
  column "SignatureLevel" { description = "How well the file is signed." }
  column "RequiredSignatureLevel" { description = "How well the file would have to be signed." }
  column "ValidatedPolicy" { description = "The signing level that the file reached." }
  column "RequestedPolicy" { description = "The signing level that was asked for." }
  column "FileNameBuffer" { description = "The file that code integrity refused or complained about." }
  column "FileNameLength" { description = "The length of that file's name." }
  column "ProcessNameBuffer" { description = "The process that tried to load it." }
  column "ProcessNameLength" { description = "The length of that process's name." }
  column "ImageName" { description = "The file of the image." }
  column "ImageNameLength" { description = "The length of the image's name." }
  column "CertThumbprint" { description = "The thumbprint of the certificate." }
  column "subjectName" { description = "Whom the certificate was given to." }

  # Files and pipes.

  column "TargetFilename" { description = "The file that was made, changed, deleted or renamed." }
  column "SourceFilename" { description = "The name that the file had before." }
  column "CreationUtcTime" { description = "When the file was made, as it says itself." }
  column "PreviousCreationUtcTime" { description = "When the file said that it was made, before that was changed." }
  column "Contents" { description = "What a small alternate stream of the file holds, such as where it was downloaded from." }
  column "IsExecutable" { description = "Whether the file is a program." }
  column "Archived" { description = "Whether Sysmon kept a copy." }
  column "MagicHeader" { description = "The first bytes of the file." }
  column "FileName" { description = "The file." }
  column "FilePath" { description = "The path of the file." }
  column "FileObject" { description = "The address of the open file in the kernel." }
  column "FileKey" { description = "The address of the file in the kernel." }
  column "Irp" { description = "The address of the request in the kernel." }
  column "CreateOptions" { description = "The options with which the file was opened." }
  column "CreateAttributes" { description = "The attributes with which the file was opened." }
  column "ShareAccess" { description = "What others may do with the file meanwhile." }
  column "ExtraInformation" { description = "More about the request." }
  column "InfoClass" { description = "What kind of information was set." }
  column "PipeName" { description = "The named pipe that was made or opened." }
  column "Device" { description = "The device that was read raw." }
  column "DeviceName" { description = "The device." }
  column "DeviceDescription" { description = "What the device says that it is." }
  column "ClassName" { description = "The kind of the device, such as `DiskDrive`." }
  column "VolumeName" { description = "The volume." }
  column "VolumeMountPoint" { description = "Where the volume is mounted." }
  column "ProtectorGUID" { description = "The id of what protects the volume's key." }
  column "ProtectorType" { description = "What protects the volume's key." }
  column "HiveName" { description = "The file of the registry hive." }

  # The registry.

  column "TargetObject" { description = "The key or value of the registry." }
  column "Details" { description = "What was written to the value." }
  column "NewName" { description = "The new name of the key or value." }
  column "EventType" { description = "What was done, such as `SetValue`, `CreateKey` or `CreatePipe`; of NXLog also `INFO` or `AUDIT_SUCCESS`." }
  column "ObjectValueName" { description = "The value of the registry key (Security 4657)." }

  column "NewValue" {
    description = "What the setting or value is now."
    source      = ["NewValue", "New Value"]
  }

  column "OldValue" {
    description = "What the setting or value was before."
    source      = ["OldValue", "Old Value"]
  }

  # The network.

  column "Initiated" { description = "Whether this computer opened the connection." }
  column "Protocol" { description = "`tcp` or `udp`, or the number of the protocol." }

  column "SourceIp" {
    description = "The address that the connection came from."
    observable  = "ip"
  }

  column "SourceHostname" {
    description = "The name of that address."
    observable  = "domain"
  }

  column "SourcePort" { description = "The port that the connection came from." }
  column "SourcePortName" { description = "The usual name of that port." }
  column "SourceIsIpv6" { description = "Whether that address is one of IPv6." }

  column "DestinationIp" {
    description = "The address that the connection went to."
    observable  = "ip"
  }

  column "DestinationHostname" {
    description = "The name of that address."
    observable  = "domain"
  }

  column "DestinationPort" { description = "The port that the connection went to." }
  column "DestinationPortName" { description = "The usual name of that port." }
  column "DestinationIsIpv6" { description = "Whether that address is one of IPv6." }

  column "SourceAddress" {
    description = "The address that a packet came from (filtering platform)."
    observable  = "ip"
  }

  column "DestAddress" {
    description = "The address that a packet went to (filtering platform)."
    observable  = "ip"
  }

  column "DestPort" { description = "The port that a packet went to (filtering platform)." }
  column "Direction" { description = "Whether the packet came in (`%%14592`) or went out (`%%14593`)." }
  column "Application" { description = "The program that the connection belongs to, by the path of its device." }
  column "FilterRTID" { description = "The filter that decided." }
  column "FilterOrigin" { description = "The rule or setting that the filter comes from." }
  column "FilterName" { description = "The name of the filter." }
  column "LayerName" { description = "Where in the network stack it was decided." }
  column "LayerRTID" { description = "The number of that layer." }
  column "ProviderContextName" { description = "The name of the policy that the filter belongs to." }
  column "InterfaceIndex" { description = "The network interface." }
  column "NetworkIndex" { description = "The network." }
  column "ApplicationPath" { description = "The program that a firewall rule is for." }
  column "ModifyingApplication" { description = "The program that changed the firewall." }
  column "Action" { description = "What the rule does, as a number." }

  column "QueryName" {
    description = "The name that was looked up."
    observable  = "domain"
  }

  column "QueryStatus" { description = "What came of looking it up; 0 is success." }
  column "QueryResults" { description = "What the name stands for." }
  column "QueryType" { description = "The type of record that was looked up." }
  column "QueryOptions" { description = "The options of looking it up." }
  column "QueryBlob" { description = "The query as bytes." }
  column "ResponseStatus" { description = "What the server answered." }
  column "SendBlob" { description = "What was sent, as bytes." }
  column "SendBlobContext" { description = "What the sent bytes belong to." }

  column "DnsServerIpAddress" {
    description = "The server that was asked."
    observable  = "ip"
  }

  column "Address" { description = "The address, as text or bytes." }
  column "AddressLength" { description = "The length of the address." }
  column "ClientPID" { description = "The process that asked." }
  column "IsatapRouter" { description = "The router of IPv6 over IPv4." }
  column "RemoteName" { description = "Where BITS transfers from or to." }
  column "LocalName" { description = "The local file of a BITS transfer." }

  # Logons and accounts.

  column "SubjectUserSid" { description = "The SID of the account that did it." }

  column "SubjectUserName" {
    description = "The account that did it."
    observable  = "username"
  }

  column "SubjectDomainName" { description = "The domain of the account that did it." }
  column "SubjectLogonId" { description = "The logon session of the account that did it." }

  column "TargetUserSid" { description = "The SID of the account that it was done to, or that logs on." }

  column "TargetUserName" {
    description = "The account that it was done to, or that logs on."
    observable  = "username"
  }

  column "TargetDomainName" { description = "The domain of that account." }
  column "TargetLogonId" { description = "The new logon session." }
  column "TargetLogonGuid" { description = "The id of the new logon session, the same on several computers." }
  column "TargetLinkedLogonId" { description = "The other session of an administrator who has two." }

  column "TargetOutboundUserName" {
    description = "The account that the session uses on the network."
    observable  = "username"
  }

  column "TargetOutboundDomainName" { description = "The domain of that account." }

  column "NewTargetUserName" {
    description = "The new name of the account."
    observable  = "username"
  }

  column "TargetSid" { description = "The SID of the group or account." }
  column "TargetName" { description = "The name of the target, such as a credential or a server." }
  column "TargetInfo" { description = "More about the target." }
  column "TargetServerName" { description = "The server that the credentials were used for." }
  column "LogonType" { description = "How somebody logged on: 2 at the screen, 3 over the network, 5 as a service, 9 with other credentials, 10 by remote desktop." }
  column "LogonProcessName" { description = "What took the credentials, such as `User32` or `Kerberos`." }
  column "AuthenticationPackageName" { description = "What checked the credentials, such as `NTLM` or `Kerberos`." }
  column "LmPackageName" { description = "The version of NTLM that was used." }
  column "KeyLength" { description = "The length of the session key; 0 if none was asked for." }
  column "ImpersonationLevel" { description = "How far the server may act as the user." }
  column "ElevatedToken" { description = "Whether the session has all rights of its user." }
  column "VirtualAccount" { description = "Whether it is the account of a service that Windows manages." }
  column "RestrictedAdminMode" { description = "Whether the credentials stayed on the client." }
  column "TransmittedServices" { description = "The services that passed the logon on." }

  column "IpAddress" {
    description = "The address that the logon or request came from."
    observable  = "ip"
  }

  column "IpPort" { description = "The port that the logon or request came from." }
  column "WorkstationName" { description = "The computer that the logon came from, as it says itself." }
  column "Workstation" { description = "The computer that the logon came from, as it says itself." }
  column "Status" { description = "What came of it; 0x0 is success, 0xC000006D a refused logon." }
  column "SubStatus" { description = "Why it failed, such as 0xC000006A for a wrong password." }
  column "FailureReason" { description = "Why the logon failed, as the number of a text." }
  column "PrivilegeList" { description = "The privileges that were used or given." }
  column "EnabledPrivilegeList" { description = "The privileges that were switched on." }
  column "DisabledPrivilegeList" { description = "The privileges that were switched off." }
  column "GroupMembership" { description = "The groups of the account that logs on." }
  column "SamAccountName" { description = "The name of the account in the directory." }
  column "OldUacValue" { description = "What the account could do before, as the bits of a number." }
  column "NewUacValue" { description = "What the account can do now, as the bits of a number." }
  column "SidHistory" { description = "The SIDs that the account had before." }
  column "AllowedToDelegateTo" { description = "The services at which the account may act as its users." }
  column "ServicePrincipalNames" { description = "The services that the account stands for." }
  column "TicketEncryptionType" { description = "How the Kerberos ticket is encrypted; 0x17 is RC4." }
  column "TicketOptions" { description = "The options of the Kerberos ticket, as the bits of a number." }
  column "PreAuthType" { description = "How the client showed who it is before it got a ticket." }
  column "SidList" { description = "The SIDs of the groups." }
  column "EventCountTotal" { description = "Into how many events it was split." }
  column "EventOrginal" { description = "Whether it is the first of the events it was split into." }
  column "PackageName" { description = "What checked the credentials, or the package." }

  column "UserName" {
    description = "The account."
    observable  = "username"
  }

  column "UserNameLength" { description = "The length of the account's name." }
  column "UserContext" { description = "The account of the task." }
  column "DomainName" { description = "The domain." }

  column "ClientUserName" {
    description = "The account of the client."
    observable  = "username"
  }

  column "ClientDomainName" { description = "The domain of the client's account." }
  column "ClientLUID" { description = "The logon session of the client." }

  column "ClientAddress" {
    description = "The address of the client."
    observable  = "ip"
  }

  column "ClientName" { description = "The computer of the client." }
  column "ClientProcessId" { description = "The process of the client." }
  column "ClientInfo" { description = "Who is at the remote desktop." }
  column "CallerPID" { description = "The process that asked." }
  column "CallerProcessId" { description = "The process that asked." }
  column "CallerProcessName" { description = "The file of the process that asked." }

  column "SessionID" {
    description = "The desktop session."
    source      = ["SessionID", "SessionId"]
  }

  column "Session" { description = "The desktop session." }
  column "SChannelName" { description = "The computer of the secure channel." }
  column "SChannelType" { description = "The type of the secure channel." }
  column "MechanismOID" { description = "The mechanism that was agreed upon." }

  # Objects, shares and the directory.

  column "ObjectServer" { description = "The part of Windows that the object belongs to." }
  column "ObjectType" { description = "What the object is, such as `File`, `Key` or `SAM_USER`." }
  column "ObjectName" { description = "The object that was opened or changed." }
  column "ObjectNameLength" { description = "The length of the object's name." }
  column "ObjectClass" { description = "The class of the object in the directory." }
  column "ObjectDN" { description = "The distinguished name of the object." }
  column "HandleId" { description = "The handle of the open object." }
  column "SourceHandleId" { description = "The handle that was copied." }
  column "TargetHandleId" { description = "The copy of the handle." }
  column "AccessMask" { description = "What was asked for, as the bits of a number." }
  column "AccessList" { description = "What was asked for, as the numbers of texts." }
  column "AccessReason" { description = "Why it was allowed or refused." }
  column "Properties" { description = "The properties that were asked for, by their ids." }
  column "ResourceAttributes" { description = "Attributes of the object that rules of access may name." }
  column "RestrictedSidCount" { description = "How many SIDs restrict the session." }
  column "TransactionId" { description = "The transaction that it belongs to." }
  column "OperationType" { description = "What was done to the object." }
  column "AdditionalInfo" { description = "More about it." }
  column "AdditionalInfo2" { description = "Still more about it." }
  column "NewSd" { description = "The new security descriptor." }
  column "OldSd" { description = "The security descriptor before." }
  column "ShareName" { description = "The share that was used." }
  column "ShareLocalPath" { description = "The folder that is shared." }
  column "ShareNameLength" { description = "The length of the share's name." }
  column "RelativeTargetName" { description = "The file or pipe on the share." }
  column "ServerName" { description = "The server." }
  column "ServerNameLength" { description = "The length of the server's name." }
  column "SigningUsed" { description = "Whether the connection is signed." }
  column "EncyptionUsed" { description = "Whether the connection is encrypted." }
  column "AttributeLDAPDisplayName" { description = "The attribute that was changed in the directory." }
  column "AttributeValue" { description = "The value of that attribute." }
  column "AttributeList" { description = "The attributes that were asked for." }
  column "DistinguishedName" { description = "Where in the directory was searched." }
  column "SearchFilter" { description = "What was searched for in the directory." }
  column "ScopeOfSearch" { description = "How deep was searched." }
  column "TemplateContent" { description = "The template of the certificate." }
  column "NewTemplateContent" { description = "The new template of the certificate." }
  column "AuditPolicyChanges" { description = "What changed in the audit policy." }
  column "SubcategoryGuid" { description = "The part of the audit policy." }
  column "AuditSourceName" { description = "The source that may write to the Security log." }
  column "ReturnCode" { description = "What came of it." }
  column "ReadOperation" { description = "How credentials were read." }
  column "CountOfCredentialsReturned" { description = "How many credentials were read." }
  column "ChangeType" { description = "What kind of change it is." }
  column "UserSid" { description = "The SID of the account." }

  # PowerShell, services, tasks and WMI.

  column "ScriptBlockText" { description = "The script, or a part of it, as PowerShell ran it." }
  column "ScriptBlockId" { description = "The id that the parts of one script have in common." }
  column "MessageNumber" { description = "Which part of the script it is." }
  column "MessageTotal" { description = "Of how many parts the script is." }
  column "RunspaceId" { description = "Where PowerShell ran it." }
  column "ContextInfo" { description = "Where a command was called from." }

  column "Payload" {
    description = "What a command was called with and gave; of OpenSSH the message."
    source      = ["Payload", "payload"]
  }

  column "UserData" { description = "What the command says of the user." }

  column "Path" {
    description = "The file of the script, or the path that it is about."
  }

  column "ServiceName" { description = "The service." }
  column "ServiceFileName" { description = "The command line of the new service (Security 4697)." }
  column "ImagePath" { description = "The command line of the new service (System 7045)." }
  column "ServiceType" { description = "What kind of service it is, such as a driver." }
  column "ServiceStartType" { description = "When the service is started, as a number." }
  column "StartType" { description = "When the service is started, in words." }
  column "ServiceAccount" { description = "The account that the service runs as." }
  column "ServiceSid" { description = "The SID of the service." }
  column "Service" { description = "The service, or the privileged call." }
  column "TaskName" { description = "The scheduled task." }
  column "TaskContent" { description = "The scheduled task as XML." }
  column "TaskContentNew" { description = "The changed task as XML." }
  column "Priority" { description = "The priority of the task's process." }
  column "Operation" { description = "What was done." }
  column "EventNamespace" { description = "The namespace of a WMI filter." }
  column "Name" { description = "The name of what it is about." }
  column "Query" { description = "The query of a WMI filter." }
  column "Type" { description = "The type of what it is about." }
  column "Destination" { description = "What a WMI consumer runs or writes." }
  column "Consumer" { description = "What the WMI filter is bound to." }
  column "Filter" { description = "The WMI filter." }
  column "Provider" { description = "The WMI provider." }
  column "ProviderName" { description = "The provider that event data or the shipper name." }
  column "PossibleCause" { description = "Why it may have happened." }

  # Sysmon itself, Defender, packages and everything else.

  column "State" { description = "Whether Sysmon runs." }
  column "SchemaVersion" { description = "The version of Sysmon's configuration format." }
  column "Configuration" { description = "The configuration." }
  column "ConfigurationFileHash" { description = "The hash of the configuration." }

  column "Data" {
    description = "The values of an event that gives them no names; several as a JSON array."
    source      = ["Data", "Data.#text"]
  }

  column "Binary" { description = "Bytes of the event, in hexadecimal digits." }
  column "param1" { description = "The first value of an event that numbers them." }
  column "param2" { description = "The second value of an event that numbers them." }
  column "param3" { description = "The third value of an event that numbers them." }
  column "param4" { description = "The fourth value of an event that numbers them." }
  column "param5" { description = "The fifth value of an event that numbers them." }
  column "Value" { description = "The value." }
  column "Reason" { description = "Why, as the number of a text." }

  column "Feature_Name" {
    description = "The part of Defender that it is about."
    source      = ["Feature_Name", "Feature Name"]
  }

  column "ThreatName" {
    description = "The threat that Defender found."
    source      = ["ThreatName", "Threat Name"]
  }

  column "SeverityName" {
    description = "How bad Defender thinks the threat is."
    source      = ["SeverityName", "Severity Name"]
  }

  column "CategoryName" {
    description = "What kind of threat Defender thinks it is."
    source      = ["CategoryName", "Category Name"]
  }

  column "Origin" { description = "Where it comes from." }
  column "Caption" { description = "The title of a window." }
  column "AppName" { description = "The program that crashed." }
  column "ExceptionCode" { description = "Why the program crashed." }
  column "ErrorCode" { description = "The number of the error." }
  column "Flags" { description = "The flags, as a number." }
  column "CallingProcess" { description = "The process that asked for the package." }
  column "PackageFullName" { description = "The package with its version." }
  column "PackageDisplayName" { description = "The package as people know it." }
  column "PackageSourceUri" { description = "Where the package comes from." }
  column "PackagePath" { description = "Where the package lies." }
  column "PackageId" { description = "The id of the package." }
  column "DeploymentOperation" { description = "What is done with the package." }
  column "HasFullTrust" { description = "Whether the package runs without a sandbox." }

  column "AppID" {
    description = "The id of the program."
    source      = ["AppID", "AppId"]
  }

  column "ApplicationName" { description = "The program." }
  column "PhysicalPath" { description = "The folder of the web site." }
  column "ConfigPath" { description = "The part of the web server's configuration." }
  column "EffectiveLocationPath" { description = "The location that the configuration is for." }
  column "EditOperationType" { description = "How the configuration was changed." }
  column "TokenCacheModule" { description = "The web server's cache of sessions." }

  # The same expression for both: the hashes come in any order, and not all of them come.
  extract "Hashes" {
    pattern = `(?:(?:MD5=(?<md5>[0-9A-Fa-f]+)|SHA(?:1=(?<sha1>[0-9A-Fa-f]+)|256=(?<sha256>[0-9A-Fa-f]+))|IMPHASH=(?<imphash>[0-9A-Fa-f]+)),?)+`
  }

  extract "Hash" {
    pattern = `(?:(?:MD5=(?<md5>[0-9A-Fa-f]+)|SHA(?:1=(?<sha1>[0-9A-Fa-f]+)|256=(?<sha256>[0-9A-Fa-f]+))|IMPHASH=(?<imphash>[0-9A-Fa-f]+)),?)+`
  }
}
