import { useEffect } from "preact/hooks";
import { account as theAccount, loadAccount } from "../api/models";
import { signOut } from "../api/session";
import type { Account as Wallet } from "../api/types";
import { Heading, Notice } from "../parts/basics";
import { number } from "../parts/format";
import { Facts } from "./facts";
import { Keys } from "./keys";
import { Webhook } from "./webhook";

const LIMITS: readonly (readonly [keyof Wallet["limits"], string])[] = [
  ["submits_per_minute", "Orders a minute"], ["reads_per_minute", "Reads a minute"], ["concurrent_jobs", "Jobs at once"], ["waiting_requests", "Waiting requests"], ["references_per_day", "Recordings a day"],
  ["lost_songs_per_day", "Lost songs a day"], ["unpaid_jobs_per_day", "Unpaid jobs a day"], ["webhook_posts_per_job", "Webhook posts a job"],
];

function Money({ account }: { account: Wallet }) {
  const { limits } = account;
  return (
    <>
      <div class="numbers">
        <div><strong>{number(account.available_credits)}</strong><span class="dim">credits available</span></div>
        <div><strong>{number(account.held_credits)}</strong><span class="dim">held by {number(account.in_flight_jobs)} open jobs</span></div>
        <div><strong>{number(account.spent_this_month_credits)}</strong><span class="dim">spent this month</span></div>
        <div><strong>{number(account.granted_credits)}</strong><span class="dim">granted in all</span></div>
      </div>
      {account.available_credits <= 0 && <Notice tone="warn">There are no credits left. Ask whoever gave you the key for more.</Notice>}
      <section class="card">
        <h2>Plan</h2>
        <Facts of={[
          ["Tenant", account.tenant_id], ["Plan", account.plan], ["Month’s cap", limits.monthly_credits === null ? "none" : number(limits.monthly_credits)],
          ["Discount", limits.discount_percent ? `${limits.discount_percent} %` : "none"],
          ["Volume tiers", limits.tiers.map((tier) => `${tier.percent} % from ${number(tier.from_credits)} credits a month`).join(", ")],
          ...LIMITS.map(([name, words]) => [words, number(Number(limits[name]))] as const),
        ]} />
      </section>
    </>
  );
}

export function Account() {
  const account = theAccount.use();
  useEffect(() => void loadAccount().catch(() => undefined), []);
  return (
    <main id="main">
      <Heading aside={<button type="button" class="quiet" onClick={() => signOut()}>Sign out</button>}>Account</Heading>
      {account === "hidden" ? <Notice>This key may not read the account: it lacks the scope account:read.</Notice> : account ? <Money account={account} /> : <div class="numbers skeleton" aria-hidden="true" />}
      <Keys />
      <Webhook />
      <p class="dim foot"><a href="/console/licences.txt">Licences of what this page is made of</a></p>
    </main>
  );
}
