import "./style/base.css";
import "./style/parts.css";
import "./style/pages.css";
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { pause } from "./api/client";
import { account as theAccount, loadAccount, loadModels, models } from "./api/models";
import { useLoaded } from "./api/loading";
import { session } from "./api/session";
import { Failed, Glyph, useNow } from "./parts/basics";
import { number } from "./parts/format";
import { route } from "./parts/route";
import { Account } from "./pages/account";
import { JobPage } from "./pages/job";
import { Jobs } from "./pages/jobs";
import { Models } from "./pages/models";
import { SignIn } from "./pages/signin";
import { Try } from "./pages/try";
import { Usage } from "./pages/usage";

const PAGES = { try: "Try", jobs: "Jobs", models: "Models", usage: "Usage", account: "Account" } as const;

function Credits() {
  const account = theAccount.use();
  return <a class="credits" href="#/account">{account && account !== "hidden" ? <><strong>{number(account.available_credits)}</strong> credits</> : " "}</a>;
}

/** That the API is busy, and when it is asked again. */
function Waiting() {
  const waits = pause.use();
  const now = useNow(waits !== null);
  const seconds = waits ? Math.max(0, Math.ceil((waits.until - now) / 1000)) : 0;
  return <div class="waiting" role="status">{waits && <p>{waits.why} Trying again {seconds ? `in ${seconds} s` : "now"}.</p>}</div>;
}

function Page() {
  const { page, id } = route.use();
  const title = PAGES[page as keyof typeof PAGES] ?? "Fermata";
  useEffect(() => {
    document.title = `${title} · Fermata`;
    scrollTo(0, 0);
  }, [page, id]);
  switch (page) {
    case "jobs":
      return id ? <JobPage key={id} id={id} /> : <Jobs />;
    case "models":
      return <Models />;
    case "usage":
      return <Usage />;
    case "account":
      return <Account />;
    default:
      return <Try />;
  }
}

function Console() {
  const { page } = route.use();
  const { error, reload } = useLoaded(async () => {
    loadAccount().catch(() => undefined);
    return loadModels();
  }, []);
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), document.querySelector<HTMLElement>("main h1")?.focus())}>Skip to the content</a>
      <header>
        <a class="brand" href="#/try"><Glyph name="fermata" /> Fermata</a>
        <nav aria-label="Pages">{Object.entries(PAGES).map(([name, words]) => <a key={name} href={`#/${name}`} aria-current={page === name ? "page" : undefined}>{words}</a>)}</nav>
        <Credits />
      </header>
      <Waiting />
      {error && <div class="top"><Failed error={error} retry={reload} /></div>}
      <Page />
    </>
  );
}

function App() {
  const { key } = session.use();
  useEffect(() => {
    if (key === null) {
      models.set(null);
      theAccount.set(null);
      document.title = "Fermata";
    }
  }, [key]);
  return key === null ? <SignIn /> : <Console key={key} />;
}

render(<App />, document.getElementById("app")!);
