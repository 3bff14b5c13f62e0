detection "aws_guardduty_disabled" {
  table       = "aws_cloudtrail_log"
  title       = "GuardDuty disabled"
  description = <<-EOT
    GuardDuty watches the account for signs of attack. Switching it off, or leaving accounts out, hides what
    comes next.
  EOT
  severity       = "high"
  tags           = ["attack.defense_evasion", "attack.t1562.001"]
  falsepositives = ["Another account takes over as GuardDuty's administrator.", "An account that is closed."]
  references     = ["https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_suspend-disable.html"]

  where = <<-EOT
    event_source = 'guardduty.amazonaws.com'
    and error_code is null
    and (event_name in ('DeleteDetector', 'DeleteMembers', 'DisassociateMembers', 'StopMonitoringMembers',
        'DisassociateFromMasterAccount', 'DisassociateFromAdministratorAccount')
      or (event_name = 'UpdateDetector' and request_parameters->>'enable' = 'false'))
  EOT

  message = "{user_identity.arn} called {event_name} on detector {request_parameters.detectorId} from {source_ip_address}"
}
