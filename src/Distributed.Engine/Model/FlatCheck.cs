namespace Distributed.Engine.Model;

/// <summary>Refuses flat weights that are not those of a model.</summary>
internal static class FlatCheck
{
    /// <summary>What is wrong with them, or null.</summary>
    /// <param name="bytes">Little-endian float32.</param>
    /// <param name="count">Parameters.</param>
    public static string? Complaint(ReadOnlySpan<byte> bytes, long count) =>
        bytes.Length != count * sizeof(float) ? $"These weights are {bytes.Length} bytes; this model's are {count * sizeof(float)}. They belong to another model."
        : FlatBytes.FirstNotFinite(bytes) is var bad and >= 0 ? $"These weights have a value that is not finite (number {bad} of {count})."
        : null;
}
