using Distributed.Engine.Model;
using Distributed.Ports;

namespace Distributed.Engine.Adapters;

/// <summary>A module of a model that may be adapted.</summary>
/// <param name="Name">Its dotted name, as Hugging Face has it.</param>
/// <param name="Layer">Its layer.</param>
/// <param name="Projection">Which of the layer's.</param>
internal sealed record AdapterModule(string Name, int Layer, Projection Projection);

/// <summary>An adapted matrix.</summary>
/// <param name="Module">Which.</param>
/// <param name="Inputs">Columns of the weight.</param>
/// <param name="Outputs">Rows of the weight.</param>
/// <param name="Column">First column of its outcome where several lie side by side.</param>
/// <param name="Rank">Rank.</param>
/// <param name="Scale">Factor of B A.</param>
/// <param name="A">Offset of A [rank, in] in the flat adapter, floats.</param>
/// <param name="B">Offset of B [out, rank].</param>
internal sealed record AdapterMatrix(AdapterModule Module, int Inputs, int Outputs, int Column, int Rank, float Scale, long A, long B);

/// <summary>Where each tensor of an adapter lies in its flat buffer: A and B of each adapted matrix, back to back, by layer and then in the order of <see cref="Projection"/>. Names are PEFT's.</summary>
internal sealed class AdapterLayout
{
    public const string Prefix = "base_model.model.";
    /// <exception cref="ArgumentException">The options do not suit the model.</exception>
    public AdapterLayout(ModelConfig config, LoraOptions options)
    {
        if (options.Complaint(config) is { } complaint)
            throw new ArgumentException(complaint, nameof(options));
        (Config, Options) = (config, options);
        var (matrices, tensors) = (new List<AdapterMatrix>(), new List<TensorShape>());
        long at = 0;
        foreach (var module in Modules(config))
        {
            if (options.Layers?.Contains(module.Layer) == false || !options.TargetModules.Any(target => LoraOptions.Matches(module.Name, target)))
                continue;
            var (inputs, outputs, rank) = (config.InputsOf(module.Projection.Matrix()), config.OutputsOf(module.Projection), options.RankOf(module.Name));
            var matrix = new AdapterMatrix(module, inputs, outputs, config.ColumnOf(module.Projection), rank, (float)options.ScaleOf(module.Name), at, at + ((long)rank * inputs));
            matrices.Add(matrix);
            tensors.Add(new TensorShape($"{Prefix}{module.Name}.lora_A.weight", [rank, inputs]));
            tensors.Add(new TensorShape($"{Prefix}{module.Name}.lora_B.weight", [outputs, rank]));
            at = matrix.B + ((long)outputs * rank);
        }

        if (matrices.Count == 0)
            throw new ArgumentException("target_modules and layers_to_transform together leave no module to adapt", nameof(options));
        (Matrices, Tensors, ParameterCount) = (matrices, tensors, at);
    }

    public ModelConfig Config { get; }

    public LoraOptions Options { get; }

    public IReadOnlyList<AdapterMatrix> Matrices { get; }

    /// <summary>Names and shapes in the order of the buffer.</summary>
    public IReadOnlyList<TensorShape> Tensors { get; }

    public long ParameterCount { get; }

    /// <summary>Every module of a model that can be adapted.</summary>
    public static IEnumerable<AdapterModule> Modules(ModelConfig config) =>
        from layer in Enumerable.Range(0, config.Layers)
        from projection in Projections.All
        select new AdapterModule($"model.layers.{layer}.{projection.ModuleName()}", layer, projection);
}
