output "budget_names" {
  description = "Budgets: the environment's, and those of services."
  value       = { for name, budget in aws_budgets_budget.this : name => budget.name }
}
