output "alarm_topic_arn" {
  description = "The topic that every alarm tells."
  value       = aws_sns_topic.alarms.arn
  # Whoever tells may do so only once the policy is there.
  depends_on = [aws_sns_topic_policy.alarms]
}

output "dashboard_names" {
  description = "Dashboards by part."
  value       = { for part, board in aws_cloudwatch_dashboard.this : part => board.dashboard_name }
}

output "alarm_names" {
  description = "Every alarm."
  value       = sort(values(aws_cloudwatch_metric_alarm.this)[*].alarm_name)
}
