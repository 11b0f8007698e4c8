/** The models on offer and the account, which several pages show. */
import { Store } from "../parts/store";
import { api, patiently } from "./client";
import { Refused } from "./problem";
import type { Account, Model } from "./types";

export const models = new Store<readonly Model[] | null>(null);
/** The account, "hidden" for a key that may not read it, or null before it is known. */
export const account = new Store<Account | "hidden" | null>(null);

export async function loadModels(): Promise<readonly Model[]> {
  const { data } = await patiently(() => api.GET("/v1/models"));
  models.set(data.data);
  return data.data;
}

export async function loadAccount(): Promise<void> {
  try {
    account.set((await patiently(() => api.GET("/v1/account"))).data);
  } catch (error) {
    if (error instanceof Refused && error.status === 403) account.set("hidden");
    else throw error;
  }
}

export function priceOf(model: Model): string {
  return `${model.unit_credits} credits ${unitOf(model)}`;
}

export function unitOf(model: Pick<Model, "unit" | "songs">): string {
  switch (model.unit) {
    case "song":
      return model.songs > 1 ? `for ${model.songs} songs` : "a song";
    case "minute":
      return "a minute";
    default:
      return "per 1,000 characters";
  }
}
