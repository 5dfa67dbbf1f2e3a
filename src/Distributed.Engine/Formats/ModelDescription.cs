using Distributed.Engine.Model;

namespace Distributed.Engine.Formats;

/// <summary>A tensor as a model folder holds it.</summary>
/// <param name="Name">Hugging Face's name.</param>
/// <param name="Type">F32, BF16, F16, or another of safetensors' types for tensors that are not weights.</param>
/// <param name="Shape">Row-major.</param>
/// <param name="File">Name of the file that holds it.</param>
/// <param name="Bytes">Bytes in the file.</param>
public sealed record TensorDescription(string Name, string Type, IReadOnlyList<long> Shape, string File, long Bytes);

/// <summary>A file of weights.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Tensors">How many tensors it holds.</param>
public sealed record ShardDescription(string Name, long Bytes, int Tensors);

/// <summary>What a Hugging Face model folder holds, from its configuration and its files' headers; weights are not read.</summary>
/// <param name="Config">The model's shape.</param>
/// <param name="Parameters">Parameters, tied ones once.</param>
/// <param name="Bytes">Bytes of all tensors.</param>
/// <param name="ParametersByType">How many parameters are kept as which type.</param>
/// <param name="Shards">The weight files.</param>
/// <param name="Tensors">The tensors, in the model's order; those the model has no use for come last.</param>
public sealed record ModelDescription(
    ModelConfig Config, long Parameters, long Bytes, IReadOnlyDictionary<string, long> ParametersByType, IReadOnlyList<ShardDescription> Shards,
    IReadOnlyList<TensorDescription> Tensors)
{
    /// <summary>The family as config.json names it.</summary>
    public string Family => ConfigFile.TypeOf(Config.Family);

    /// <summary>Bytes of the parameters as float32.</summary>
    public long Float32Bytes => Parameters * sizeof(float);

    /// <summary>Describes a folder.</summary>
    /// <exception cref="ModelFormatException">A file is missing or broken, or the files do not belong together.</exception>
    public static ModelDescription Read(string folder)
    {
        using var opened = ModelFolder.Open(folder);
        var tensors = opened.Weights.Tensors.Values
            .OrderBy(stored => opened.Layout.IndexOf(stored.Entry.Name) is var index and >= 0 ? index : int.MaxValue).ThenBy(stored => stored.Entry.Name, StringComparer.Ordinal)
            .Select(stored => new TensorDescription(
                stored.Entry.Name, stored.Entry.Type, stored.Entry.Shape, Path.GetFileName(stored.File.Path), stored.Entry.End - stored.Entry.Start))
            .ToArray();
        var byType = opened.Layout.Tensors.GroupBy(tensor => opened.Find(tensor).Entry.Type)
            .ToDictionary(group => group.Key, group => group.Sum(tensor => tensor.ElementCount));
        return new ModelDescription(
            opened.Config, opened.Layout.ParameterCount, tensors.Sum(tensor => tensor.Bytes), byType,
            [.. opened.Weights.Files.Select(file => new ShardDescription(Path.GetFileName(file.Path), file.Length, file.Entries.Count))], tensors);
    }
}
