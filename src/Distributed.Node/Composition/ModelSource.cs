using Distributed.Engine.Adapters;
using Distributed.Engine.Formats;
using Distributed.Engine.Hosting;
using Distributed.Engine.Model;
using Distributed.Engine.Tokenizers;
using Distributed.Environments;
using Distributed.Node.Checkpoints;
using Distributed.Node.Recipes;
using Distributed.Ports;

namespace Distributed.Node.Composition;

/// <summary>The model a command works on: its shape, first weights and tokenizer, and how its files are written.</summary>
internal sealed class ModelSource : IModelFiles
{
    // A step's batch may be large; memory is bounded by the engine's cache, which is paged.
    private const int MostSequences = 65_536;
    private const int MostRequests = 1 << 20;
    private const string TokenizerName = "tokenizer.json";
    private const string TokenizerConfigName = "tokenizer_config.json";
    private readonly string? _folder;
    private const string AdapterName = "adapter";
    private readonly WordVocabulary? _vocabulary;
    private readonly LowRankAdapter? _adapter;
    private readonly WeightStorage _storage;

    private ModelSource(
        string? folder, WordVocabulary? vocabulary, ModelConfig config, ReadOnlyMemory<byte> weights, ITokenizer tokenizer, LowRankAdapter? adapter = null,
        WeightStorage storage = WeightStorage.Float32)
    {
        _adapter = adapter;
        _storage = storage;
        _folder = folder;
        _vocabulary = vocabulary;
        Config = config;
        Weights = weights;
        Tokenizer = tokenizer;
    }

    /// <summary>Its shape.</summary>
    public ModelConfig Config { get; }

    /// <summary>Its first weights, flat; the adapter's alone if that is what is trained.</summary>
    public ReadOnlyMemory<byte> Weights { get; }

    /// <summary>Its tokenizer.</summary>
    public ITokenizer Tokenizer { get; }

    /// <summary>Itself, as a checkpoint needs it.</summary>
    public IModelFiles Files => this;

    /// <summary>The model of a recipe.</summary>
    public static ModelSource Of(Recipe recipe) => recipe.Lora is { } lora ? Adapted(recipe.Model.Path!, lora, (ulong)recipe.Seed) : Of(recipe.Model, recipe.Environment, (ulong)recipe.Seed);

    /// <summary>The model of a recipe's section. One of random weights has the words of the recipe's environment.</summary>
    public static ModelSource Of(ModelSection model, EnvironmentSection environment, ulong seed)
    {
        if (model.Path is { } path) return FromFolder(path);
        var words = WordVocabulary.Of(environment.Name ?? EnvironmentLoader.SearchWorld)
            ?? throw new RefusedException($"model.shape: {environment.Name} has no words of its own; name a model folder that has a tokenizer.json (model: {{path: ...}})");
        var config = Shape(model.Shape!, words);
        return new ModelSource(null, words, config, ModelFiles.Random(config, seed), TokenizerOf(words));
    }

    /// <summary>A Hugging Face folder.</summary>
    /// <exception cref="RefusedException">A file is missing or broken.</exception>
    public static ModelSource FromFolder(string folder) => Refusals.Of(() =>
    {
        var (config, weights) = ModelFiles.Read(folder);
        return new ModelSource(folder, null, config, weights, Engine.Tokenizers.Tokenizer.Load(Path.Combine(folder, TokenizerName)));
    });

    // The frozen model is read by each engine for itself; what is handed around is the adapter.
    private static ModelSource Adapted(string folder, LoraSection lora, ulong seed) => Refusals.Of(() =>
    {
        var config = ModelDescription.Read(folder).Config;
        var options = new LoraOptions { Rank = lora.Rank, Alpha = lora.Alpha, TargetModules = lora.TargetModules };
        var adapter = LowRankAdapter.Random(config, options, seed);
        return new ModelSource(
            folder, null, config, adapter.Weights, Engine.Tokenizers.Tokenizer.Load(Path.Combine(folder, TokenizerName)), adapter,
            lora.Storage == "bfloat16" ? WeightStorage.BFloat16 : WeightStorage.Float32);
    });

    /// <summary>
    /// A run's model on a node that got only its files (<see cref="WriteForNodes"/>): an engine begins with any weights of that shape and works with
    /// published ones only.
    /// </summary>
    /// <exception cref="RefusedException">A file is missing or broken.</exception>
    public static ModelSource Received(Recipe recipe, string folder, IReadOnlyList<string> files) => recipe.Lora is { } lora
        ? Adapted(folder, lora, (ulong)recipe.Seed)
        : files.Count == 0
            ? Of(recipe)
            : Refusals.Of(() => new ModelSource(folder, null, ModelFiles.ReadConfig(folder), default, Engine.Tokenizers.Tokenizer.Load(Path.Combine(folder, TokenizerName))));

    /// <summary>
    /// The files other nodes need: none for a model they can make from the recipe, configuration and tokenizer for one of a folder, the whole
    /// folder for frozen weights under an adapter.
    /// </summary>
    /// <param name="scratch">An empty folder for what has to be written.</param>
    /// <returns>Paths; each name is there once.</returns>
    public IReadOnlyList<string> WriteForNodes(string scratch)
    {
        if (_folder is null) return [];
        if (_adapter is null)
        {
            ModelFiles.WriteConfig(scratch, Config);
            return [Path.Combine(scratch, "config.json"), Path.Combine(_folder, TokenizerName)];
        }

        return [.. Directory.EnumerateFiles(_folder).Where(path => Path.GetExtension(path) is ".json" or ".safetensors")];
    }

    /// <summary>An engine with the first weights.</summary>
    /// <param name="choice">Which engine.</param>
    /// <param name="threads">Its threads.</param>
    /// <param name="say">Takes what a person should be told.</param>
    public QueuedPolicyEngine NewEngine(EngineChoice choice, int threads, Action<string>? say = null) => Refusals.Of(() =>
    {
        var options = new EngineOptions { Threads = threads, MaxSequences = MostSequences, MaxRequests = MostRequests, Adapter = _adapter, Storage = _storage };
        if (choice.Name == "torch" && TorchEngines.Complaint(choice.Device) is { } missing) throw new RefusedException(missing);
        if (choice.Name == "torch")
            return _adapter is not null ? TorchEngines.Load(choice, _folder!, options, say) : TorchEngines.FromWeights(choice, Config, (Weights.IsEmpty ? ModelFiles.Random(Config, 0) : Weights).Span, Tokenizer, options, say);
        if (_adapter is null && Weights.IsEmpty) return (QueuedPolicyEngine)ManagedPolicyEngine.Random(Config, 0, Tokenizer, options);
        return _adapter is null ? ManagedPolicyEngine.FromWeights(Config, Weights.Span, Tokenizer, options) : ManagedPolicyEngine.Load(_folder!, options);
    });

    /// <summary>An engine of the same shape with random weights.</summary>
    public ManagedPolicyEngine NewUntrained(ulong seed, int threads) => Refusals.Of(() => ManagedPolicyEngine.Random(Config, seed, Tokenizer, new EngineOptions { Threads = threads, MaxSequences = MostSequences, MaxRequests = MostRequests }));

    /// <inheritdoc/>
    public void WriteModel(string folder, ReadOnlyMemory<byte> weights)
    {
        if (_adapter is not null)
        {
            var adapter = _adapter with { Weights = weights };
            ModelConversion.Merge(_folder!, folder, adapter);
            adapter.Save(Path.Combine(folder, AdapterName), Config, Path.GetFullPath(_folder!));
            return;
        }

        ModelFiles.Write(folder, Config, weights.Span);
        if (_vocabulary is { } words)
        {
            WordLevelTokenizerFile.Write(Path.Combine(folder, TokenizerName), words.Words, words.Specials, words.Unknown);
            WordLevelTokenizerFile.WriteConfig(Path.Combine(folder, TokenizerConfigName), words.Unknown, words.End, words.Pad);
            return;
        }

        foreach (var name in new[] { TokenizerName, TokenizerConfigName })
            if (File.Exists(Path.Combine(_folder!, name))) File.Copy(Path.Combine(_folder!, name), Path.Combine(folder, name), overwrite: true);
    }

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> ReadModel(string folder)
    {
        if (_adapter is not null)
        {
            var read = LowRankAdapter.Load(Path.Combine(folder, AdapterName), Config);
            return read.Weights.Length == _adapter.Weights.Length && read.Options.TargetModules.SequenceEqual(_adapter.Options.TargetModules)
                ? read.Weights
                : throw new RefusedException($"{folder}: holds another adapter than the run's; give the run's own checkpoint");
        }

        var (config, weights) = ModelFiles.Read(folder);
        return config.ShapeEquals(Config) ? weights : throw new RefusedException($"{folder}: is a model of another shape than the run's; give the run's own checkpoint");
    }

    /// <inheritdoc/>
    public void WriteOptimizer(string path, OptimizerState state) => ModelFiles.WriteOptimizer(path, Tensors, state);

    /// <inheritdoc/>
    public OptimizerState ReadOptimizer(string path) => ModelFiles.ReadOptimizer(path, Tensors);

    private IReadOnlyList<TensorShape> Tensors => _adapter is null ? ModelFiles.TensorsOf(Config) : LowRankAdapter.TensorsFor(Config, _adapter.Options);

    private static ModelConfig Shape(ShapeSection shape, WordVocabulary words) => new()
    {
        HiddenSize = shape.HiddenSize,
        Layers = shape.NumHiddenLayers,
        Heads = shape.NumAttentionHeads,
        KeyValueHeads = shape.NumKeyValueHeads,
        HeadSize = shape.HiddenSize / shape.NumAttentionHeads,
        IntermediateSize = shape.IntermediateSize,
        VocabularySize = words.Words.Length,
        MaxPositions = shape.MaxPositionEmbeddings,
        RopeTheta = shape.RopeTheta,
        TiedHead = shape.TieWordEmbeddings,
        BeginToken = words.Words.IndexOf(words.Begin),
        EndTokens = [words.Words.IndexOf(words.End)],
        PaddingToken = words.Words.IndexOf(words.Pad),
    };

    // A generated environment's tokenizer, read from a file like any other.
    private static ITokenizer TokenizerOf(WordVocabulary words)
    {
        var folder = Directory.CreateTempSubdirectory("distributed-");
        try
        {
            var path = Path.Combine(folder.FullName, TokenizerName);
            WordLevelTokenizerFile.Write(path, words.Words, words.Specials, words.Unknown);
            return Engine.Tokenizers.Tokenizer.Load(path);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
