namespace Distributed.Credit;

/// <summary>Input that credit cannot be computed from. The message is one line: what is wrong, where, and what to do about it.</summary>
public sealed class CreditException(string message) : Exception(message);
