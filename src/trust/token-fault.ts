/** Why a token is not believed: one precise code, for the ledger and for Explain. The caller of a login never sees it. */
export type TokenFault =
  // form (A1–A12)
  | 'token_malformed'
  | 'token_too_large'
  | 'token_json_serialized'
  | 'token_encrypted'
  | 'token_nested'
  | 'token_encoding'
  | 'token_text'
  | 'token_json'
  | 'token_duplicate_name'
  | 'token_too_deep'
  | 'token_too_many_items'
  | 'header_not_object'
  | 'payload_not_object'
  | 'crit_unsupported'
  | 'b64_unsupported'
  | 'zip_unsupported'
  | 'kid_invalid'
  // signature and key (B1–B14)
  | 'alg_missing'
  | 'alg_none'
  | 'alg_symmetric'
  | 'alg_unsupported'
  | 'alg_not_allowed'
  | 'signature_missing'
  | 'kid_missing'
  | 'kid_unknown'
  | 'kid_ambiguous'
  | 'kid_banned'
  | 'keys_unavailable'
  | 'key_wrong_algorithm'
  | 'key_none_compatible'
  | 'signature_invalid'
  // claims (D1–D11)
  | 'token_own'
  | 'issuer_invalid'
  | 'issuer_mismatch'
  | 'audience_missing'
  | 'audience_invalid'
  | 'audience_mismatch'
  | 'party_missing'
  | 'party_not_allowed'
  | 'subject_invalid'
  | 'exp_invalid'
  | 'exp_passed'
  | 'lifetime_too_long'
  | 'iat_invalid'
  | 'iat_in_future'
  | 'iat_too_old'
  | 'nbf_invalid'
  | 'nbf_in_future'
  | 'jti_invalid'
  | 'type_not_allowed'
  | 'claim_required'
  | 'acr_unmet'
  | 'amr_unmet'
  | 'auth_time_unmet'
  | 'nonce_unmet';

/** A token, or a part of it, that is refused. `detail` is for admins: it names values of the token, never the token. */
export interface Refusal {
  ok: false;
  fault: TokenFault;
  detail: string;
}

export function refuse(fault: TokenFault, detail: string): Refusal {
  return { ok: false, fault, detail };
}

/** A claim or header value, cut short, in a form that is safe in a log line. */
export function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
