(prompt) => {
  const typed = window.t2Typed;
  delete window.t2Typed;
  return typed ?? prompt;
}
