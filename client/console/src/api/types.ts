/** The API's values, by the names that its own document gives them. */
import type { components } from "./schema";

type Schemas = components["schemas"];
export type Account = Schemas["Account"];
export type Attempt = Schemas["Attempt"];
export type Job = Schemas["Job"];
export type JobError = Schemas["JobError"];
export type JobStatus = Schemas["JobStatus"];
export type Key = Schemas["Key"];
export type LedgerEntry = Schemas["LedgerEntry"];
export type LogEntry = Schemas["UsageLogEntry"];
export type Model = Schemas["Model"];
export type ModelLimits = Schemas["ModelLimits"];
export type Problem = Schemas["Problem"];
export type Quote = Schemas["Quote"];
export type Order = Schemas["SongRequest"];
export type Scope = Schemas["Scope"];
export type Track = Schemas["Track"];
export type UsageEntry = Schemas["UsageEntry"];
export type Voice = Schemas["Voice"];
export type WebhookTry = Schemas["WebhookAttempt"];
